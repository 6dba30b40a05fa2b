"""Texts and ids on their way into the database: what no database may be given, and new ids."""

import re
import secrets
import time
from datetime import UTC, datetime
from typing import Literal

from app.domain.errors import SllmError

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
ID = re.compile(r"(?:conv|msg|img)_[0-9a-f]{32}")


def check_text(text: str, field: str) -> str:
    """`text`, unless it holds NUL or a lone surrogate, which PostgreSQL and UTF-8 cannot hold.

    Raises SllmError `invalid_parameter` that names `field`.
    """
    if UNSTORABLE.search(text):
        raise SllmError("invalid_parameter", param=field)
    return text


def check_id(id_: str, kind: Literal["conv", "msg"]) -> str:
    """`id_`, or SllmError `not_found` when none of our ids could look like that."""
    if not ID.fullmatch(id_) or not id_.startswith(kind):
        raise SllmError("not_found", "conversation_not_found")
    return id_


def new_id(kind: Literal["conv", "msg", "img"]) -> str:
    """An id that nobody can guess: 128 random bits."""
    return f"{kind}_{secrets.token_hex(16)}"


def now() -> int:
    """Microseconds since 1970, UTC: how times are stored."""
    return time.time_ns() // 1000


def as_time(microseconds: int) -> datetime:
    """A stored time for the world outside; exact to the microsecond."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def as_number(moment: datetime) -> int:
    """The reverse of `as_time`; a naive time counts as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 1_000_000 + aware.microsecond
