"""Servers and backends for the conformance suite, one column after the other, and its table."""

import os
import platform
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.provider.plan import compute_threads
from tests.conformance.columns import COLUMNS, SLOTS, WINDOW, AnyBackend, Column, fresh
from tests.conformance.table import Table, write
from tests.support import Server, running

TABLE = pytest.StashKey[Table]()
HERE = Path(__file__).parent
# Names a document whose table is to be replaced.
VARIABLE = "CONFORMANCE_TABLE"
Tell = Callable[[str], None]


@pytest.fixture(scope="session", params=COLUMNS, ids=lambda column: column.name.replace(" ", "-"))
def column(request: pytest.FixtureRequest, weights_dir: Path) -> Column:
    """An engine with weights. All cases of one run before those of the next."""
    chosen: Column = request.param
    chosen.path(weights_dir)
    return chosen


@pytest.fixture(scope="session")
def server(
    column: Column, weights_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = {
        "SLLM_MODEL_PATH": str(column.path(weights_dir)),
        "CONTEXT_LENGTH": str(WINDOW),
        "PARALLEL_SLOTS": str(SLOTS),
    }
    with running(tmp_path_factory.mktemp("server"), settings) as started:
        yield started


@pytest.fixture(scope="session")
def loaded(
    column: Column, weights_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AnyBackend:
    return column.load(weights_dir, tmp_path_factory.mktemp("engine"))


@pytest.fixture
async def backend(loaded: AnyBackend) -> AsyncIterator[AnyBackend]:
    """The column's backend on this test's event loop, for what clients do not see."""
    made = fresh(loaded)
    await made.open()
    yield made
    await made.close()


@pytest.fixture(scope="session")
def reference(column: Column, weights_dir: Path) -> Any:
    """transformers' own tokenizer."""
    import warnings

    reason = "transformers, the reference, comes with the extra 'convert'"
    transformers = pytest.importorskip("transformers", reason=reason)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return transformers.AutoTokenizer.from_pretrained(column.reference_folder(weights_dir))


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Say more in the table than "ok"."""
    return lambda cell: record_property("cell", cell)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if isinstance(item, pytest.Function) and HERE in item.path.parents:
        _enter(item, report)
    return report


def _enter(item: pytest.Function, report: pytest.TestReport) -> None:
    """One word for a test that is over, or that did not begin."""
    column: Column | None = _parameters(item).get("column")
    if column is None or (report.when != "call" and report.passed):
        return
    table = item.config.stash.setdefault(TABLE, Table())
    cell = dict(report.user_properties).get("cell", "ok")
    outcomes = {"passed": str(cell), "skipped": "not run", "failed": "FAILED"}
    table.tell(case_of(item.function), column.name, outcomes[report.outcome])


def _parameters(item: pytest.Function) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def case_of(function: Callable[..., Any]) -> str:
    """A case is called like its function."""
    return function.__name__.removeprefix("test_").replace("_", " ")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    table = config.stash.get(TABLE, Table())
    if not table.cells:
        return
    terminalreporter.section("conformance")
    terminalreporter.write_line(table.text())
    if os.environ.get(VARIABLE):
        write(table, Path(os.environ[VARIABLE]), machine())


def machine() -> str:
    return f"{platform.system()} on {platform.machine()}, {compute_threads()} cores, no GPU"
