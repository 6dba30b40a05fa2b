"""SQLite as this server uses it: which library, how a connection is set up, when to refuse.

Which version is safe in which mode, and why: docs/decisions/0009.
"""

import os
import sqlite3
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import quote

import aiosqlite
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_dbapi
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, PoolResetState

from app.database import sqlite_cursor
from app.database.errors import DatabaseUnusable

Version = tuple[int, ...]

OLDEST: Version = (3, 42, 0)  # the first whose search index forgets what is deleted from it
BUSY_SECONDS = 10.0
CONNECTIONS = 8
PRAGMAS = (
    # FULL, and the folder once a rollback journal is deleted: one that a power cut brings back
    # would undo the last commit. On macOS it takes fullfsync as well.
    "synchronous=EXTRA",
    "fullfsync=ON",
    "checkpoint_fullfsync=ON",
    "foreign_keys=ON",
    "secure_delete=ON",
    "cache_size=-16000",
    # Pages in the log when a commit has to write it back itself; `checkpoints` should be earlier.
    "wal_autocheckpoint=10000",
)
EXPORTED = ("DatabaseError", "Error", "IntegrityError", "NotSupportedError", "OperationalError")


def driver() -> ModuleType:
    """pysqlite3, which brings a current SQLite, where it is installed; else Python's own."""
    try:
        return import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3


def journal_mode(version: Version) -> str:
    """ "wal" where WAL is safe with several connections (sqlite.org/wal.html#walresetbug)."""
    repaired = version >= (3, 51, 3) or any(
        series <= version < (3, series[1] + 1) for series in ((3, 50, 7), (3, 44, 6))
    )
    return "wal" if repaired else "delete"


def check_version(version: Version) -> None:
    """Raise DatabaseUnusable for a library that is too old."""
    if version < OLDEST:
        found, needed = (".".join(map(str, each)) for each in (version, OLDEST))
        raise DatabaseUnusable(
            f"SQLite {found} is too old, {needed} is needed: install the package pysqlite3, or "
            "use a Python with a newer SQLite, or set DATABASE_URL to a PostgreSQL database."
        )


def connect(path: Path) -> Any:
    """A connection to an existing file, set up for this server. Never makes a file."""
    library = driver()
    connection = library.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin where `begin` below says, and only there
        check_same_thread=False,
    )
    try:
        set_up(connection, library.sqlite_version_info)
    except (library.Error, DatabaseUnusable):
        connection.close()
        raise
    return connection


def set_up(connection: Any, version: Version) -> None:
    """Journal and PRAGMAS of a new connection. Raises DatabaseUnusable."""
    wanted = journal_mode(version)
    (mode,) = connection.execute(f"PRAGMA journal_mode={wanted}").fetchone()
    if mode != wanted:
        raise DatabaseUnusable(
            f"The database stays in journal mode {mode}, {wanted} is needed: close other programs "
            "that use it, and keep it on a local disk."
        )
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def begin(connection: Connection) -> None:
    """Writers take their turn at once; one that began by reading could not become a writer."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def plain_engine(path: Path) -> Engine:
    """For start and tests: no event loop, no pool."""
    engine = create_engine(
        "sqlite://", module=driver(), creator=lambda: connect(path), poolclass=NullPool
    )
    event.listen(engine, "begin", begin)
    return engine


def async_engine(path: Path) -> AsyncEngine:
    """A few connections, each in a thread of its own."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path.name}",
        module=AsyncAdapt_aiosqlite_dbapi(_asynchronous(path), driver()),
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        pool_reset_on_return=None,  # `roll_back` does
    )
    event.listen(engine.sync_engine, "begin", begin)
    event.listen(engine.sync_engine, "reset", roll_back)
    return engine


def roll_back(connection: Any, _record: Any, state: PoolResetState) -> None:
    """Before a connection goes back into the pool; without asking its thread, which the pool would,
    where there is nothing to roll back."""
    if state.asyncio_safe and connection.driver_connection.is_within:
        connection.rollback()


def _asynchronous(path: Path) -> Any:
    """aiosqlite's connection around `driver()`: its module would import Python's SQLite."""
    library = driver()
    return SimpleNamespace(
        connect=lambda *_, **__: sqlite_cursor.Connection(lambda: connect(path), 64),
        Connection=sqlite_cursor.Connection,
        ProgrammingError=library.ProgrammingError,
        sqlite_version=library.sqlite_version,
        sqlite_version_info=library.sqlite_version_info,
        __version__=aiosqlite.__version__,
        **{name: getattr(library, name) for name in EXPORTED},
    )


def sync_directory(directory: Path) -> None:
    """Make a new name in `directory` survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
