"""Sentences for people, in English and Korean, by key.

The texts are `en.json` and `ko.json` beside this file, and what a feature brings along.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

Language = Literal["en", "ko"]
DEFAULT: Language = "en"
LANGUAGES: tuple[Language, ...] = get_args(Language)


class _Gaps(dict[str, Any]):
    """A value that nobody gave stays visible as `{name}`: an error answer must never fail."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def translate(key: str, language: str, /, **values: Any) -> str:
    """The sentence `key` in `language`, filled with `values`; English where it is missing.

    An unknown key comes back as it is.
    """
    texts = messages()
    known = texts.get(language, texts[DEFAULT])
    return known.get(key, texts[DEFAULT].get(key, key)).format_map(_Gaps(values))


def language_of(accept_language: str | None) -> Language:
    """The best of `LANGUAGES` for an Accept-Language header (RFC 9110 12.5.4), else English."""
    best: Language = DEFAULT
    best_quality = 0.0
    for item in (accept_language or "")[:1000].split(","):
        tag, _, parameters = item.partition(";")
        language = _matching(tag)
        quality = _quality(parameters)
        if language is not None and quality > best_quality:
            best, best_quality = language, quality
    return best


def _matching(tag: str) -> Language | None:
    primary = tag.strip().lower().partition("-")[0]
    if primary == "*":
        return DEFAULT
    return next((language for language in LANGUAGES if language == primary), None)


def _quality(parameters: str) -> float:
    name, _, number = parameters.strip().partition("=")
    if not name:
        return 1.0
    digits = number.strip()
    well_formed = name.strip().lower() == "q" and digits.replace(".", "", 1).isascii()
    if not well_formed or not digits.replace(".", "", 1).isdigit():
        return 0.0
    return min(float(digits), 1.0)


@cache
def messages() -> Mapping[str, Mapping[str, str]]:
    """Every text by language and key, read once."""
    return {language: _read(language) | _of_features(language) for language in LANGUAGES}


def _read(language: Language) -> dict[str, str]:
    texts: dict[str, str] = json.loads(
        files(__package__).joinpath(f"{language}.json").read_text(encoding="utf-8")
    )
    return texts


def _of_features(language: Language) -> dict[str, str]:
    # The command line shows these before a server exists, so they live with what says them.
    both: dict[str, dict[str, str]] = {}
    for feature in ("weights", "commands"):
        source = files("app").joinpath(feature, "messages.json")
        if source.is_file():
            both |= json.loads(source.read_text(encoding="utf-8"))
    return {key: texts[language] for key, texts in both.items()}
