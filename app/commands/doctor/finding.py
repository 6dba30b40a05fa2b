"""What a check of the set-up found."""

from typing import Literal

from msgspec import Struct

from app.commands.words import say

Status = Literal["ok", "warn", "fail"]


class Finding(Struct, frozen=True):
    """`check` is a key that stays the same; `text` and `fix` are sentences for people."""

    check: str
    status: Status
    text: str
    fix: str | None = None


def ok(check: str, key: str, **values: object) -> Finding:
    return Finding(check, "ok", say(key, **values))


def warn(check: str, key: str, fix: str, **values: object) -> Finding:
    return Finding(check, "warn", say(key, **values), fix)


def fail(check: str, key: str, fix: str, **values: object) -> Finding:
    return Finding(check, "fail", say(key, **values), fix)
