"""What a database's own errors mean to a client; nothing else looks at native codes."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, TimeoutError

from app.domain.errors import SllmError

RETRY_SECONDS = 1
# SQLite's primary result codes: https://sqlite.org/rescode.html
SQLITE_BUSY, SQLITE_LOCKED, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL = 5, 6, 8, 10, 13
SQLITE_CORRUPT, SQLITE_CANTOPEN, SQLITE_NOTADB = 11, 14, 26
SQLITE = {
    SQLITE_BUSY: "overloaded",
    SQLITE_LOCKED: "overloaded",
    SQLITE_READONLY: "storage_full",
    SQLITE_IOERR: "storage_full",
    SQLITE_FULL: "storage_full",
    SQLITE_CORRUPT: "internal_error",
    SQLITE_CANTOPEN: "overloaded",  # out of file descriptors, or the disk is away
    SQLITE_NOTADB: "internal_error",
}
# PostgreSQL's classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
POSTGRESQL = {
    "08": "overloaded",  # connection lost
    "40": "overloaded",  # rolled back: serialization, deadlock
    "57P": "overloaded",  # the server shuts down, or the connection was ended
    "53100": "storage_full",
    "53": "overloaded",  # out of connections or memory
    "55P03": "overloaded",
    "25006": "storage_full",  # read only
}


class DatabaseUnusable(RuntimeError):
    """The database cannot be used as it is; the text says why and what to do."""


class DatabaseNotReady(DatabaseUnusable):
    """Its server cannot be reached, or is starting; it is worth trying again."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise native errors as SllmError: `storage_full`, `overloaded` or `internal_error`."""
    try:
        yield
    except DBAPIError as error:
        raise _meaning(error) from error
    except TimeoutError as error:  # every connection of the pool is in use
        raise SllmError("overloaded", retry_after=RETRY_SECONDS) from error
    except ConnectionError as error:
        raise SllmError("overloaded", retry_after=RETRY_SECONDS) from error


def _meaning(error: DBAPIError) -> Exception:
    code = code_of(error)
    if code is None:
        return error
    if code == "overloaded":
        return SllmError(code, retry_after=RETRY_SECONDS)
    return SllmError(code)


def code_of(error: DBAPIError) -> str | None:
    """Which of the contract's codes this is; None for a bug of ours."""
    if error.connection_invalidated:
        return "overloaded"
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        return next((code for start, code in POSTGRESQL.items() if state.startswith(start)), None)
    number = getattr(error.orig, "sqlite_errorcode", None)
    return SQLITE.get(number & 0xFF) if isinstance(number, int) else None
