"""What a reference says in either language; English texts of the schemas have Korean ones."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Words = Mapping[str, str]


@cache
def _texts() -> dict[str, Any]:
    texts: dict[str, Any] = json.loads(
        (files(__package__) / "texts.json").read_text(encoding="utf-8")
    )
    return texts


def words(language: str) -> Words:
    """Headings and phrases of the pages themselves."""
    found: dict[str, str] = _texts()["words"][language]
    return found


def told(text: str, language: str) -> str:
    """A summary or description of the code in `language`; English where there is no other."""
    if language == "en":
        return text
    found: str = _texts()[language].get(text, text)
    return found


def translated(language: str) -> set[str]:
    """Every text of the code that has one in `language`."""
    return set(_texts()[language])


def is_told(text: str, language: str) -> bool:
    """Whether a text of the code has one in `language`."""
    return language == "en" or text in _texts()[language]
