"""Every text that the code names exists, in both languages."""

import ast
from pathlib import Path

from app.domain.errors import STATUS
from app.i18n import LANGUAGES, messages

ROOT = Path(__file__).resolve().parents[1]
CARRIERS = ("Notice", "LoadError", "WeightsError", "ConvertError", "KeysError", "say")
PLACES = dict.fromkeys(CARRIERS, 0) | {"SllmError": 1}


def named_texts() -> set[str]:
    """First arguments of what carries a text's key, second of SllmError."""
    found = set(STATUS)
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                at = PLACES.get(node.func.id, len(node.args))
                argument = node.args[at] if at < len(node.args) else None
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.add(argument.value)
    return found


def test_every_text_exists_in_every_language() -> None:
    texts = named_texts()
    assert {"load_failed", "overloaded", "weights_memory"} <= texts
    for language in LANGUAGES:
        assert texts - set(messages()[language]) == set()
