"""The database as the application holds it: opened at start, asked after by `/health`."""

import asyncio
import logging
import time
from typing import Literal

from app.config import Settings
from app.database import Database, DatabaseNotReady, open_database
from app.domain.errors import SllmError

# A database server that starts together with this one.
WAIT_SECONDS = 30.0
LOOK_SECONDS = 1.0
PING_SECONDS = 2.0
log = logging.getLogger(__name__)

DatabaseStatus = Literal["ok", "storage_full", "unavailable"]


async def open_storage(settings: Settings, wait_seconds: float = WAIT_SECONDS) -> Database:
    """The database of DATABASE_URL. Raises DatabaseUnusable.

    A server that is not there yet is given `wait_seconds`.
    """
    end = time.monotonic() + wait_seconds
    while True:
        try:
            return await open_database(settings.database_url, settings.data_dir)
        except DatabaseNotReady as error:
            if time.monotonic() > end:
                raise
            log.warning("%s", error)
            await asyncio.sleep(LOOK_SECONDS)


async def database_status(database: Database) -> DatabaseStatus:
    """Whether it can be read now, and could be written last time."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            await database.ping()
    except (SllmError, TimeoutError):
        return "unavailable"
    return "storage_full" if database.full else "ok"
