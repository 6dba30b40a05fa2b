"""The other documents: links lead somewhere, code that is named exists, decisions have a form."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from app import __version__
from app.domain.errors import STATUS
from tests.docs.markdown import ENGLISH, KOREAN, ROOT, anchors, links

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
OURS = [ENGLISH, KOREAN, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")), *DECISIONS]
# `app/engine/scheduler.py`, or with a name in it: `app/engine/scheduler.py:Scheduler.run`.
CODE = re.compile(r"`((?:app|scripts|tests)/[\w/.]+\.(?:py|sh|json))(?::([\w.]+))?`")
SECTIONS = ["Context", "Decision", "Consequences", "Rejected"]
documents = pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
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


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(__version__)}\]", text, re.MULTILINE)


def test_operations_tells_every_error_a_client_can_meet() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert {code for code in STATUS if f"`{code}`" in text} == set(STATUS)
