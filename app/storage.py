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
FRESH_SECONDS = 0.25
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


class DatabaseWatch:
    """What `/health` tells of `database`, asked at most every FRESH_SECONDS: a look costs more than
    all the rest of the answer. Whoever comes meanwhile shares it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._readable = True
        self._fresh_until = 0.0
        self._looking = asyncio.Lock()

    async def status(self) -> DatabaseStatus:
        """Whether it could be read a moment ago, and written last time."""
        if time.monotonic() > self._fresh_until:
            async with self._looking:
                await self._look()
        if not self._readable:
            return "unavailable"
        return "storage_full" if self._database.full else "ok"

    async def _look(self) -> None:
        if time.monotonic() <= self._fresh_until:
            return
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._database.ping()
            self._readable = True
        except (SllmError, TimeoutError):
            self._readable = False
        self._fresh_until = time.monotonic() + FRESH_SECONDS
