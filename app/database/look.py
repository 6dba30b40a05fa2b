"""A look at a database that changes nothing: is it whole, and is its schema this version's?"""

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from msgspec import Struct
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from app.database import migrate, sqlite
from app.database.errors import DatabaseUnusable
from app.database.opening import parsed

SECONDS = 5.0
Status = Literal["current", "absent", "older", "newer", "damaged", "unreachable"]


class Look(Struct, frozen=True):
    """`reason` is the library's own words where something is wrong."""

    kind: Literal["sqlite", "postgresql"]
    status: Status
    reason: str = ""


def look(url: str | None, data_dir: Path) -> Look:
    """Raises DatabaseUnusable for a DATABASE_URL that means nothing."""
    target = parsed(url, data_dir)
    if isinstance(target, URL):
        return asyncio.run(_look_at_server(target))
    return _look_at_file(target)


def _look_at_file(path: Path) -> Look:
    if not path.exists():
        return Look("sqlite", "absent")
    library = sqlite.driver()
    try:
        sqlite.check_version(library.sqlite_version_info)
        address = f"file:{quote(str(path))}?mode=ro"
        with closing(library.connect(address, uri=True, timeout=SECONDS)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                return Look("sqlite", "damaged", found)
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except DatabaseUnusable as error:
        return Look("sqlite", "damaged", str(error))
    except (library.Error, TypeError) as error:  # TypeError: no row, where one belongs
        return Look("sqlite", "damaged", str(error))
    return Look("sqlite", _age(revision))


async def _look_at_server(url: URL) -> Look:
    engine = create_async_engine(url, connect_args={"timeout": SECONDS})
    try:
        async with engine.connect() as connection:
            there = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
            if there is None:
                return Look("postgresql", "absent")
            revision = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    except (DBAPIError, OSError, TimeoutError) as error:
        return Look("postgresql", "unreachable", str(getattr(error, "orig", None) or error))
    finally:
        await engine.dispose()
    return Look("postgresql", _age(str(revision)))


def _age(revision: str) -> Status:
    if revision == migrate.head():
        return "current"
    return "older" if revision in migrate.known() else "newer"
