"""docs/conformance.md shows the table as it was last measured: the same cases, the same columns."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.conformance.columns import COLUMNS
from tests.conformance.report import Cells, case_of
from tests.conformance.table import Table, read, write

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "conformance.md"


def cases() -> dict[str, str]:
    """Every case that is run for each column, and what it says of itself."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        module = import_module(f"tests.conformance.{path.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and is_case(function):
                found[case_of(function)] = inspect.getdoc(function) or ""
    return found


def is_case(function: Any) -> bool:
    """Its fixtures lead to a column."""
    return bool({"server", "backend", "column"} & inspect.signature(function).parameters.keys())


def test_the_document_has_every_case_and_no_other() -> None:
    assert set(read(DOCUMENT).cells) == set(cases())
    assert len(cases()) > 20


def test_the_document_has_every_column() -> None:
    names = [column.name for column in COLUMNS]
    for case, cells in read(DOCUMENT).cells.items():
        assert list(cells) == names, case
        assert not {"", "-", "not run", "FAILED"} & set(cells.values()), case


def test_the_document_says_what_each_case_means() -> None:
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    for case, meaning in cases().items():
        assert meaning, case
        assert f"- **{case}**: {' '.join(meaning.split())}" in text, case


def test_a_table_survives_being_written(tmp_path: Path) -> None:
    """In parts, too: a run of some columns leaves the others as they were."""
    path = tmp_path / "table.md"
    path.write_text("Before.\n<!-- table -->\nold\n<!-- end of the table -->\nAfter.\n")
    table = Table()
    for column in COLUMNS:
        table.tell("a case", column.name, f"cell of {column.name}")
        part = Table()
        part.tell("a case", column.name, f"cell of {column.name}")
        write(part, path, "a machine")
    assert read(path).cells == table.cells
    assert path.read_text().startswith("Before.\n")
    assert path.read_text().endswith("After.\n")
    assert "old" not in path.read_text()
    assert COLUMNS[0].name in table.text()


@pytest.mark.parametrize(
    ("when", "outcome", "expected"),
    [
        ("call", "passed", "17/18"),
        ("call", "failed", "FAILED"),
        ("setup", "failed", "FAILED"),
        ("setup", "skipped", "not run"),
    ],
)
def test_a_report_carries_its_cell(
    when: Literal["setup", "call"],
    outcome: Literal["passed", "failed", "skipped"],
    expected: str,
) -> None:
    """So that tables are also made of what other processes have run."""
    cells, carried = Cells(), [("cell", "17/18"), ("case", "a case"), ("column", "a column")]
    place = ("tests/conformance/test_answers.py", 1, "test_a_case")
    told = pytest.TestReport(place[0], place, {}, outcome, None, when, user_properties=carried)
    cells.pytest_runtest_logreport(told)
    assert cells.table.cells == {"a case": {"a column": expected}}
