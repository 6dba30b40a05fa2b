"""The other documents: links lead somewhere, code that is named exists, decisions have a form."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from app import __version__
from app.domain.errors import STATUS
from tests.docs.markdown import ENGLISH, KOREAN, ROOT, anchors, links, rows

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
INDEXES = [ROOT / "docs" / "README.md", ROOT / "docs" / "decisions" / "README.md"]
AT_THE_TOP = [ENGLISH, KOREAN, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
OURS = [*AT_THE_TOP, *sorted((ROOT / "docs").rglob("*.md"))]
# `app/engine/scheduler.py`, or with a name in it: `app/engine/scheduler.py:Scheduler.run`.
CODE = re.compile(r"`((?:app|scripts|tests)/[\w/.]+\.(?:py|sh|json))(?::([\w.]+))?`")
SECTIONS = ["Context", "Decision", "Consequences", "Rejected"]
documents = pytest.mark.parametrize(
    "path", OURS, ids=lambda path: str(path.relative_to(ROOT)).replace("/", "-")
)
decisions = pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name)


@documents
def test_links_lead_somewhere(path: Path) -> None:
    for link in links(path):
        if not link.startswith("https://"):
            file, _, anchor = link.partition("#")
            target = path.parent / file if file else path
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@documents
def test_code_that_is_named_exists(path: Path) -> None:
    for file, name in CODE.findall(path.read_text(encoding="utf-8")):
        assert (ROOT / file).is_file(), file
        if name:
            assert name in names_in(ROOT / file), f"{file}:{name}"


@cache
def names_in(path: Path) -> frozenset[str]:
    """Functions, classes, their methods, and constants of a module."""
    found: set[str] = set()
    for node in ast.parse(path.read_bytes()).body:
        found |= names_of(node)
        if isinstance(node, ast.ClassDef):
            inner = (name for part in node.body for name in names_of(part))
            found |= {f"{node.name}.{name}" for name in inner}
    return frozenset(found)


def names_of(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Assign():
            return {target.id for target in node.targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name.split("-")[0]) for path in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))
    assert len(DECISIONS) >= 8


@decisions
def test_a_decision_has_its_four_parts_on_a_page(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert lines[0].startswith(f"# {path.name[:4]} ")
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == SECTIONS


def test_the_index_of_decisions_has_each_with_its_title() -> None:
    text = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for path in DECISIONS:
        title = path.read_text(encoding="utf-8").splitlines()[0].split(" ", 2)[2]
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in text


def test_every_document_can_be_found_from_the_index() -> None:
    reached = {(index.parent / link).resolve() for index in INDEXES for link in links(index)}
    assert [path for path in OURS if path not in {*reached, *AT_THE_TOP, *INDEXES}] == []


def test_words_are_explained_in_the_order_of_the_alphabet() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^\*\*(.+)\*\*$", text, re.MULTILINE)
    assert words == sorted(words, key=str.lower)
    assert len(words) > 20


def test_troubleshooting_quotes_what_is_really_said() -> None:
    page = ROOT / "docs" / "troubleshooting.md"
    sources = [*(ROOT / "app").rglob("*.py"), ROOT / "scripts" / "setup.sh"]
    texts = ("i18n/en.json", "weights/messages.json", "commands/messages.json")
    sources += [ROOT / "app" / name for name in texts]
    said = " ".join(path.read_text(encoding="utf-8") for path in sources)
    quoted = [row[0].split("`")[1] for row in rows(page, re.compile(r"`.* .*`.*"))]
    assert len(quoted) > 10
    assert [text for text in quoted if text not in said] == []


def test_troubleshooting_tells_what_to_do_about_every_error() -> None:
    page = ROOT / "docs" / "troubleshooting.md"
    told = {row[0].strip("`"): row[1] for row in rows(page, re.compile(r"`[a-z_]+`"))}
    assert told.keys() == STATUS.keys() | {"code"}
    assert all(told.values())


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(__version__)}\]", text, re.MULTILINE)


def test_operations_tells_every_error_a_client_can_meet() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert {code for code in STATUS if f"`{code}`" in text} == set(STATUS)
