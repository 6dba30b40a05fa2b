"""The database file: made whole or not at all, looked at before use, never replaced.

A damaged or missing file is refused in plain words; an empty one never takes its place.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.database import migrate, sqlite
from app.database.errors import (
    SQLITE_BUSY,
    SQLITE_FULL,
    SQLITE_IOERR,
    SQLITE_LOCKED,
    DatabaseUnusable,
)

HEADER = b"SQLite format 3\0"
APPLICATION_ID = 0x534C4C4D  # "SLLM"
# quick_check reads the whole file; a larger one would hold up the start.
CHECKED_BYTES = 64 * 1024 * 1024
ADVICE = "Restore a backup, or move the file away to begin with an empty database."


def prepare(path: Path) -> None:
    """Make the file or bring its schema up to date. Several workers may do this at once.

    Raises DatabaseUnusable.
    """
    library = sqlite.driver()
    sqlite.check_version(library.sqlite_version_info)
    try:
        _make_folder(path.parent)
        with locked(path):
            if os.path.lexists(path):
                _check(path)
                _upgrade(path)
            else:
                _refuse_left_overs(path)
                _create(path)
    except OSError as error:
        raise DatabaseUnusable(f"{path}: {error.strerror}.") from error
    except library.Error as error:
        raise DatabaseUnusable(f"{path}: {error}. {_advice(error)}") from error


def _advice(error: Exception) -> str:
    """Nothing is wrong with the file where only its disk is full, or another program has it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (SQLITE_FULL, SQLITE_IOERR):
        return "Look whether the disk is full or failing, then start again."
    if code in (SQLITE_BUSY, SQLITE_LOCKED):
        return "Close the other program that uses the file, then start again."
    return ADVICE


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sqlite.sync_directory(folder.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the kernel frees the lock when its holder dies."""
    handle = os.open(_beside(path, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _refuse_left_overs(path: Path) -> None:
    for suffix in ("-wal", "-journal"):
        if _beside(path, suffix).exists():
            raise DatabaseUnusable(
                f"{path} is missing, but {path.name}{suffix} is there and may hold "
                "conversations. Put the file back, or move the other one away."
            )


def _create(path: Path) -> None:
    """Under another name first: a file called `path` is always a whole database."""
    fresh = _beside(path, ".new")
    for suffix in ("", "-wal", "-shm", "-journal"):
        _beside(fresh, suffix).unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(sqlite.connect(fresh)) as connection:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    _upgrade(fresh)
    fresh.rename(path)
    sqlite.sync_directory(path.parent)


def _check(path: Path) -> None:
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise DatabaseUnusable(f"{path} is not a file. Move it away, or set DATABASE_URL.")
    # For writing too: SQLite would open a file that it may only read, and fail at the first chat.
    with path.open("r+b") as file:
        header = file.read(len(HEADER))
    if header != HEADER:
        raise DatabaseUnusable(f"{path} is damaged: it does not begin as a database. {ADVICE}")
    with closing(sqlite.connect(path)) as connection:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID:
            raise DatabaseUnusable(f"{path} belongs to another program. Set DATABASE_URL.")
        if facts.st_size <= CHECKED_BYTES:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise DatabaseUnusable(f"{path} is damaged: {verdict}. {ADVICE}")


def _upgrade(path: Path) -> None:
    engine = sqlite.plain_engine(path)
    try:
        with engine.execution_options(writes=True).begin() as connection:
            migrate.upgrade(connection)
    finally:
        engine.dispose()
