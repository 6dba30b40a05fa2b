"""The commands' sentences, in the language of the terminal (LC_ALL, LC_MESSAGES, LANG)."""

import os
from collections.abc import Mapping
from typing import Any

from app.domain.model_info import Notice
from app.i18n import DEFAULT, LANGUAGES, Language
from app.i18n.notices import words

# In the order in which the C library asks them (locale(7)).
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def language(environment: Mapping[str, str] = os.environ) -> Language:
    """What the first of the variables that is set asks for, else English."""
    locale = next(filter(None, map(environment.get, VARIABLES)), "")
    primary = locale.lower().partition("_")[0].partition(".")[0]
    return next((known for known in LANGUAGES if known == primary), DEFAULT)


def typed(text: str) -> str:
    """An argument as text: bytes that are no UTF-8, which Python passes on as halves of surrogates,
    become U+FFFD as they do in what is piped in. A path is left as it is."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def say(key: str, /, **values: Any) -> str:
    """The sentence `key`, filled with `values`."""
    return words([Notice(key, values)], language())[0]
