"""The conformance suite's table, at the end of a run: every report carries its cell, also from the
process that ran the test to the one that sums up.
"""

import os
import platform
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from app.provider.plan import compute_threads
from tests.conformance.columns import Column
from tests.conformance.table import Table, write

HERE = Path(__file__).parent
# Names a document whose table is to be replaced.
VARIABLE = "CONFORMANCE_TABLE"


def case_of(function: Callable[..., Any]) -> str:
    """A case is called like its function."""
    return function.__name__.removeprefix("test_").replace("_", " ")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if isinstance(item, pytest.Function) and HERE in item.path.parents:
        column = _parameters(item).get("column")
        if isinstance(column, Column):
            place = [("case", case_of(item.function)), ("column", column.name)]
            report.user_properties = [*report.user_properties, *place]
    return report


def _parameters(item: pytest.Function) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


class Cells:
    """Collects what the reports carry, and shows it."""

    def __init__(self) -> None:
        self.table = Table()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One word for a test that is over, or that did not begin."""
        told = dict(report.user_properties)
        if "column" not in told or (report.when != "call" and report.passed):
            return
        outcomes = {"passed": told.get("cell", "ok"), "skipped": "not run", "failed": "FAILED"}
        self.table.tell(str(told["case"]), str(told["column"]), str(outcomes[report.outcome]))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self.table.cells:
            return
        terminalreporter.section("conformance")
        terminalreporter.write_line(self.table.text())
        if os.environ.get(VARIABLE):
            write(self.table, Path(os.environ[VARIABLE]), machine())


def machine() -> str:
    return f"{platform.system()} on {platform.machine()}, {compute_threads()} cores, no GPU"


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Cells(), "conformance-cells")
