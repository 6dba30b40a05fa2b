"""Mistakes in settings, told in one line each: the name, what is wrong, what is allowed.

A value is never repeated: it may be a secret, pasted into the wrong line.
"""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

PREFIX = "SLLM_"
# Switches of the test-suite, not of the server.
TEST_PREFIX = "SLLM_TEST_"
# Of the client `sllm chat`, which finds a server by them.
CLIENT_NAMES = frozenset({"SLLM_URL", "SLLM_API_KEY"})


class SettingsError(Exception):
    """Settings that do not make sense; `str()` is for people."""


def describe(settings: type[BaseSettings], error: ValidationError) -> str:
    """`error` as lines `NAME: what is wrong; allowed: what is.`"""
    return "\n".join(_line(settings, detail) for detail in error.errors(include_input=False))


def refuse_unknown_names(settings: type[BaseSettings], dotenv: Iterable[str]) -> None:
    """Raise SettingsError for each name `SLLM_…` (environment or `.env`) that is no setting."""
    known = {field.upper() for field in settings.model_fields}
    given = {name.upper() for name in (*os.environ, *dotenv)}
    ours = {name for name in given if name.startswith(PREFIX) and TEST_PREFIX not in name}
    unknown = sorted(ours - known - CLIENT_NAMES)
    if unknown:
        raise SettingsError("\n".join(_unknown(name, known) for name in unknown))


def _line(settings: type[BaseSettings], detail: ErrorDetails) -> str:
    field = str(detail["loc"][0]) if detail["loc"] else ""
    allowed = _allowed(settings, field)
    return f"{field.upper()}: {_reason(detail)}" + (f"; allowed: {allowed}." if allowed else ".")


def _reason(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "int_parsing" | "int_from_float" | "int_type" | "int_parsing_size":
            return "not a whole number"
        case "greater_than_equal":
            return "too small"
        case "less_than_equal":
            return "too large"
        case "bool_parsing" | "literal_error":
            return "not one of its values"
        case "string_too_short":
            return "empty"
    return "not understood"


def _allowed(settings: type[BaseSettings], field: str) -> str:
    known = settings.model_fields.get(field)
    extra: Any = known.json_schema_extra if known else None
    return str(extra["allowed"]) if extra else ""


def _unknown(name: str, known: set[str]) -> str:
    candidates = {candidate.removeprefix(PREFIX): candidate for candidate in known}
    near = get_close_matches(name.removeprefix(PREFIX), candidates, n=1, cutoff=0.5)
    hint = f"did you mean {candidates[near[0]]}?" if near else "see .env.example for all of them."
    return f"{name}: there is no such setting; {hint}"
