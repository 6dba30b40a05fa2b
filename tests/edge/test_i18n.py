"""Both languages say the same things, and every key that the code names exists."""

import ast
import re
from pathlib import Path

import pytest

import app
from app.domain.errors import STATUS
from app.i18n import language_of, messages, translate

PLACEHOLDER = re.compile(r"{(\w+)}")
SOURCES = sorted(Path(app.__path__[0]).rglob("*.py"))


def test_same_keys_and_placeholders() -> None:
    english, korean = messages()["en"], messages()["ko"]
    assert set(english) == set(korean)
    for key, text in english.items():
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(korean[key])), key


def test_korean_is_korean() -> None:
    foreign = [key for key, text in messages()["ko"].items() if not re.search("[가-힣]", text)]
    assert foreign == []


def test_every_error_code_has_words() -> None:
    assert set(STATUS) <= set(messages()["en"])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_key_in_the_code_exists(path: Path) -> None:
    named = set(keys_in(ast.parse(path.read_text(encoding="utf-8"))))
    assert named - set(messages()["en"]) == set()


def keys_in(tree: ast.AST) -> list[str]:
    """The literal keys given to SllmError, Notice, refuse and translate."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        position = {"SllmError": 1, "Notice": 0, "translate": 0}.get(node.func.id)
        if position is None or len(node.args) <= position:
            continue
        argument = node.args[position]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            found.append(argument.value)
    return found


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", "en"),
        ("en;q=0.5, ko;q=0.7", "ko"),
        ("fr, de;q=0.9, KO;q=0.1", "ko"),
        ("ko;q=0", "en"),
        ("*", "en"),
        ("ko;q=x", "en"),
        ("ko;q=\u0661", "en"),
        ("kok, korean", "en"),
        (";;;,,,=" * 10_000, "en"),
    ],
)
def test_the_language_of_a_header(header: str | None, language: str) -> None:
    assert language_of(header) == language


def test_a_missing_value_stays_visible() -> None:
    assert "{limit}" in translate("too_large", "en")
    assert translate("no such key", "ko") == "no such key"
