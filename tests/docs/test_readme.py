"""Both READMEs show the same things, and describe every setting and every route that there is."""

import ast
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from app.config import Settings
from app.main import create_app
from app.versions import VERSIONS
from tests.docs.markdown import (
    ENGLISH,
    KOREAN,
    Block,
    blocks,
    events,
    levels,
    links,
    rows,
    shape,
    tables,
)

READMES = (ENGLISH, KOREAN)
# SmolLM2 knows no Korean, so Korean readers begin with weights that do.
FIRST = {ENGLISH: "./run.sh\n", KOREAN: "./run.sh --model qwen2.5-coder-0.5b-instruct\n"}
SETTING = re.compile(r"`([A-Z][A-Z_]+)`")
ROUTE = re.compile(r"(?:`[A-Z]+ /[^`]*`(?:, )?)+")
both = pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)


def skeleton(block: Block) -> Any:
    """What must be equal in every language."""
    match block.info:
        case "json":
            return shape(json.loads(block.text))
        case "text sse":
            return [(name, shape(data)) for name, data in events(block.text)]
        case "text banner":
            return re.sub(r"(?<=model: ).*", "", block.text)
        case "python":
            return ast.dump(Blank().visit(ast.parse(block.text)))
        case "bash":
            return [bare(word) for word in shlex.split(block.text)]
    return block.text


def bare(word: str) -> Any:
    if word.startswith("message="):  # a field of a form
        return "message="
    return shape(json.loads(word)) if word.startswith("{") else word


class Blank(ast.NodeTransformer):
    """Takes out of a program what is written for people."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        is_prose = isinstance(node.value, str) and (" " in node.value or not node.value.isascii())
        return ast.Constant("") if is_prose else node


def test_both_have_the_same_blocks_in_the_same_order() -> None:
    english, korean = blocks(ENGLISH), blocks(KOREAN)
    assert [block.info for block in english] == [block.info for block in korean]
    for left, right in zip(english[1:], korean[1:], strict=True):
        assert skeleton(left) == skeleton(right), (left.name, right.name)


def test_both_have_the_same_headings() -> None:
    assert levels(ENGLISH) == levels(KOREAN)


def test_both_have_tables_of_the_same_shape() -> None:
    assert tables(ENGLISH) == tables(KOREAN)
    assert len(tables(ENGLISH)) >= 6


def test_both_lead_to_the_same_documents() -> None:
    """In the reader's language where there is one; the other README is each other's."""

    def documents(path: Path) -> set[str]:
        return {link.partition("#")[0].replace(".ko.md", ".md") for link in links(path)}

    assert documents(ENGLISH) == documents(KOREAN)


@both
def test_every_version_leads_to_its_reference(path: Path) -> None:
    suffix = ".ko" if path == KOREAN else ""
    for version in VERSIONS:
        assert f"](api_docs/{version.name}{suffix}.md)" in path.read_text(encoding="utf-8")


@both
def test_the_first_command_suits_the_reader(path: Path) -> None:
    first = blocks(path)[0]
    assert (first.info, first.text) == ("bash setup", FIRST[path])


@both
def test_every_block_is_of_a_kind_that_is_tested(path: Path) -> None:
    kinds = {"bash", "bash setup", "python", "json", "text sse", "text banner"}
    assert {block.info for block in blocks(path)} <= kinds


@both
def test_every_setting_is_described_with_its_default(path: Path) -> None:
    told = {row[0].strip("`"): row[1].strip("`") for row in rows(path, SETTING)}
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}
    assert told.keys() == fields.keys()
    for name, field in fields.items():
        if field.default_factory is None:
            assert told[name] == as_written(field.default), name
        else:
            assert told[name], name


def as_written(default: Any) -> str:
    if default is None or default == ():
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


@both
def test_every_setting_says_what_it_does(path: Path) -> None:
    assert all(len(row) == 3 and row[2] for row in rows(path, SETTING))


def routes_of(path: Path) -> set[str]:
    cells = [row[0] for row in rows(path, ROUTE)]
    return {route for cell in cells for route in re.findall(r"`([^`]+)`", cell)}


def routes_of_the_app(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    for name in [name for name in os.environ if name.startswith("SLLM_")]:
        monkeypatch.delenv(name)
    app = create_app(Settings(sllm_model_path="scripted"))
    found = set()
    for context in iter_route_contexts(app.routes):
        if not isinstance(context.original_route, Mount):
            methods = set(context.methods or ()) - {"HEAD"}
            # How a value is matched is not for readers.
            path = str(context.path).replace(":path}", "}")
            found |= {f"{method} {path}" for method in methods}
    return found


@both
def test_every_route_is_described(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert routes_of(path) == routes_of_the_app(monkeypatch)
