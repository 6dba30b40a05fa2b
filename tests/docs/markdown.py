"""Fenced blocks, tables and links of a Markdown file, and the shapes of what they show."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, KOREAN = ROOT / "README.md", ROOT / "README.ko.md"
README_PORT = ":8000"
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block; `info` is what follows the opening fence, for example `bash setup`."""

    file: str
    number: int
    info: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.file}-{self.number}-{self.info.replace(' ', '-')}"

    def on_port(self, port: int) -> str:
        """The text with the port that the README uses replaced."""
        return self.text.replace(README_PORT, f":{port}")


def blocks(path: Path, *infos: str) -> list[Block]:
    """The blocks of a file in order, all of them or those with one of `infos`."""
    found = enumerate(_FENCE.finditer(path.read_text(encoding="utf-8")))
    made = [Block(path.name, number, match["info"], match["text"]) for number, match in found]
    return [block for block in made if not infos or block.info in infos]


def shown_after(block: Block) -> Block | None:
    """The block of output that belongs to a block of commands: the next one, if it is output."""
    following = blocks(ROOT / block.file)[block.number + 1 :]
    return following[0] if following and following[0].info in ("json", "text sse") else None


def rows(path: Path, first_cell: re.Pattern[str]) -> list[list[str]]:
    """The cells of every table row whose first cell matches as a whole."""
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|")
    ]
    return [row for row in cells if first_cell.fullmatch(row[0])]


def levels(path: Path) -> list[int]:
    """How deep each heading of a file is, in order."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    return [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]


def tables(path: Path) -> list[tuple[int, int]]:
    """Lines and columns of every table of a file, in order."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    found = re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE)
    return [(len(table.splitlines()), table.splitlines()[1].count("|") - 1) for table in found]


def links(path: Path) -> list[str]:
    """Where the links of a file lead, fenced blocks left out."""
    return _LINK.findall(_FENCE.sub("", path.read_text(encoding="utf-8")))


def anchors(path: Path) -> set[str]:
    """The names under which the headings of a file can be linked to."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def shape(value: Any) -> Any:
    """What stays of a JSON value without its values: keys, and the kinds of the rest."""
    match value:
        case dict():
            return {key: shape(entry) for key, entry in sorted(value.items())}
        case list():
            return [shape(entry) for entry in value[:1]]
        case bool() | None | str():
            return type(value).__name__
    return "number"


def fits(shown: Any, got: Any) -> bool:
    """Whether two shapes are the same; a list may be empty in one of them."""
    if isinstance(shown, dict) and isinstance(got, dict):
        return shown.keys() == got.keys() and all(fits(shown[key], got[key]) for key in shown)
    if isinstance(shown, list) and isinstance(got, list):
        return not shown or not got or fits(shown[0], got[0])
    return bool(shown == got)


def events(text: str) -> list[tuple[str, Any]]:
    """Server-sent events as (name, data)."""
    found = re.findall(r"^event: (\w+)\ndata: (.*)$", text, re.MULTILINE)
    return [(name, json.loads(data)) for name, data in found]
