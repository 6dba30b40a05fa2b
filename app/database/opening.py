"""From DATABASE_URL to a database that is ready: checked, migrated, cleared of dead answers."""

import asyncio
from pathlib import Path

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.database import migrate, sqlite, sqlite_file
from app.database.answers import recover
from app.database.errors import DatabaseNotReady, DatabaseUnusable, code_of
from app.database.presence import AdvisoryLocks, FileLocks
from app.database.session import Database

FILE_NAME = "sllm.db"
MIGRATION_LOCK = 0x534C4C4D
ALLOWED = (
    "DATABASE_URL: use sqlite:///file or postgresql+asyncpg://user:password@host/database, or "
    "leave it empty for SQLite in DATA_DIR."
)


async def open_database(url: str | None, data_dir: Path) -> Database:
    """The database at `url` (None: SQLite in `data_dir`), its schema up to date.

    Answers that a dead process was writing become `interrupted`. Raises DatabaseUnusable.
    """
    target = parsed(url, data_dir)
    database = await (_postgresql(target) if isinstance(target, URL) else _sqlite(target))
    await recover(database)
    return database


def parsed(url: str | None, data_dir: Path) -> URL | Path:
    """Where the database is: a server's address, or SQLite's file. Raises DatabaseUnusable."""
    if not url:
        return data_dir / FILE_NAME
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnusable(ALLOWED) from None
    if parsed.drivername in ("sqlite", "sqlite+aiosqlite") and parsed.database:
        if parsed.database == ":memory:":
            raise DatabaseUnusable(f"A database in memory would forget everything. {ALLOWED}")
        return Path(parsed.database)
    if parsed.drivername in ("postgres", "postgresql", "postgresql+asyncpg"):
        return parsed.set(drivername="postgresql+asyncpg")
    raise DatabaseUnusable(ALLOWED)


async def _sqlite(path: Path) -> Database:
    await asyncio.to_thread(sqlite_file.prepare, path)
    locks = FileLocks(path.with_name(path.name + ".writers"))
    return Database(sqlite.async_engine(path), locks)


async def _postgresql(url: URL) -> Database:
    engine = create_async_engine(url, pool_size=8, max_overflow=8, pool_timeout=10)
    try:
        await _upgrade(engine)
        return Database(engine, await AdvisoryLocks.take(engine))
    except (DBAPIError, OSError) as error:
        await engine.dispose()
        busy = isinstance(error, DBAPIError) and code_of(error) == "overloaded"
        why = getattr(error, "orig", None) or error
        if busy or isinstance(error, OSError):
            text = f"PostgreSQL at DATABASE_URL is not ready: {why}"
            raise DatabaseNotReady(text) from error
        raise DatabaseUnusable(f"PostgreSQL at DATABASE_URL cannot be used: {why}") from error
    except DatabaseUnusable:
        await engine.dispose()
        raise


async def _upgrade(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        # One worker migrates, the others wait here and find it done.
        await connection.execute(
            text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK}
        )
        await connection.run_sync(migrate.upgrade)
