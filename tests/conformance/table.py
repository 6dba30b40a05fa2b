"""The table, case against column: as text for a terminal, as Markdown for docs/conformance.md."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tests.conformance.columns import COLUMNS

BEGIN, END = "<!-- table -->\n", "<!-- end of the table -->\n"
MISSING = "-"


@dataclass
class Table:
    """`cells[case][column]`, in the order in which they were first told."""

    cells: dict[str, dict[str, str]] = field(default_factory=dict)

    def tell(self, case: str, column: str, cell: str) -> None:
        self.cells.setdefault(case, {})[column] = cell

    def rows(self) -> list[list[str]]:
        """The names of the columns, then a row for each case."""
        names = [column.name for column in COLUMNS]
        body = [
            [case, *(found.get(name, MISSING) for name in names)]
            for case, found in self.cells.items()
        ]
        return [["case", *names], *body]

    def text(self) -> str:
        rows = self.rows()
        widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
        return "\n".join(_padded(row, widths) for row in rows)

    def markdown(self) -> str:
        head, *body = self.rows()
        lines = [head, ["---"] * len(head), *body]
        return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _padded(row: list[str], widths: list[int]) -> str:
    cells = zip(row, widths, strict=True)
    return "  ".join(cell.ljust(width) for cell, width in cells).rstrip()


def write(table: Table, path: Path, machine: str) -> None:
    """Put the table in its place in a document; cells that were not run stay as they were."""
    shown = read(path)
    for case, found in table.cells.items():
        for column, cell in found.items():
            shown.tell(case, column, cell)
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    told = f"Measured on {date.today().isoformat()}, {machine}.\n\n"  # noqa: DTZ011 - the reader's day
    text = before + BEGIN + told + shown.markdown() + END + after
    path.write_text(text, encoding="utf-8")


def read(path: Path) -> Table:
    """The table that a document shows."""
    text = path.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    table = Table()
    for case, *cells in rows[2:]:
        for column, cell in zip(rows[0][1:], cells, strict=True):
            table.tell(case, column, cell)
    return table
