"""From pydantic's errors to `{field, reason}` in plain words, never with the input."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.errors import SllmError
from app.i18n import messages, translate

MOST_SHOWN = 20
# A client's own field name is repeated only where it is one: short, and nothing but a name.
SIMPLE = (str, int, float)
PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]{0,63}")
SOURCES = ("body", "query", "path", "header", "cookie")


def invalid_request(
    errors: Sequence[Mapping[str, Any]], language: str, most: int = MOST_SHOWN
) -> SllmError:
    """One 422 for pydantic's `errors`, with `param` where one field alone is at fault. An answer
    that has no place for `details` says the first of them: then `most` is 1."""
    shown = [
        {"field": field_of(error["loc"]), "reason": reason_of(error, language)}
        for error in errors[:most]
    ]
    details = {"errors": shown}
    fields = {item["field"] for item in shown}
    if fields == {"body"} and most == 1:
        return SllmError("invalid_request", "invalid_request_body", reason=shown[0]["reason"])
    if len(fields) != 1 or fields == {"body"}:
        return SllmError("invalid_request", details=details)
    [field] = fields
    reason = shown[0]["reason"]
    return SllmError(
        "invalid_request",
        "invalid_request_field",
        param=field,
        details=details,
        field=field,
        reason=reason,
    )


def field_of(location: Sequence[str | int]) -> str:
    """`("body", "history", 0, "role")` as `history.0.role`; the whole body is `body`. Which member
    of a union was tried (`@user`) is no part of a name."""
    parts = [name_of(part) for part in location if not str(part).startswith("@")]
    if len(parts) > 1 and parts[0] in SOURCES:
        del parts[0]
    return ".".join(parts)


def name_of(part: str | int) -> str:
    """A step of a path, or `?` for a name that a client made up to be repeated."""
    text = str(part)
    return text if isinstance(part, int) or PLAIN_NAME.fullmatch(text) else "?"


def reason_of(error: Mapping[str, Any], language: str) -> str:
    """Plain words for one pydantic error; its type is the key, its context the values."""
    key = f"validation_{error['type']}"
    if key not in messages()["en"]:
        key = "validation_other"
    context: Mapping[str, Any] = error.get("ctx", {})
    plain = {name: _tidy(value) for name, value in context.items() if isinstance(value, SIMPLE)}
    if "expected" in plain:  # pydantic joins the last two by an English "or"
        plain["expected"] = str(plain["expected"]).replace(" or ", ", ")
    return translate(key, language, **plain)


def _tidy(value: str | int | float) -> str | int | float:
    """2.0 as 2: limits are written as people write them."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
