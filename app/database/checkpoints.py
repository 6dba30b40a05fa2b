"""Writing SQLite's log back into its file beside the transactions, not at the end of one.

SQLite does it in whichever commit finds the log long, and that commit's client waits for it; here
that is left for a log that has grown very long (`wal_autocheckpoint` in `sqlite.PRAGMAS`).
"""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress

from sqlalchemy.ext.asyncio import AsyncEngine

from app.database.errors import translated
from app.database.sqlite import BUSY_SECONDS
from app.domain.errors import SllmError

# Transactions; about 500 pages of 4 KiB in the log, half of what SQLite waits for.
EVERY = 32
RETRY_SECONDS = 1.0


class Checkpoints:
    """Of one process; `writing` keeps this process's writers away."""

    def __init__(self, engine: AsyncEngine, writing: AbstractAsyncContextManager[None]) -> None:
        self._engine = engine
        self._writing = writing
        self._written = 0
        self._running: asyncio.Task[None] | None = None
        self._emptying: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    def count(self) -> None:
        """To be called after each transaction that wrote."""
        self._written += 1
        if self._written >= EVERY and (self._running is None or self._running.done()):
            self._written = 0
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Most of it while others write; the rest, of which there is little then, while nobody
        here does, so that the log begins anew. No room or no time: another time."""
        with suppress(SllmError), translated():
            async with self._engine.connect() as connection:
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
                async with self._writing:
                    await connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    async def empty(self) -> None:
        """Cut the log off: it keeps pages that were written over since, deleted words with them.
        While somebody reads or writes that cannot be; then it is tried again beside all else."""
        if await self._emptied() or (self._emptying and not self._emptying.done()):
            return
        self._emptying = asyncio.create_task(self._empty_later())

    async def _empty_later(self) -> None:
        while not await self._emptied():
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._closed.wait()
                return

    async def _emptied(self) -> bool:
        """Waits for nobody but this process's writers."""
        with suppress(SllmError), translated():
            async with self._engine.connect() as connection, self._writing:
                await connection.exec_driver_sql("PRAGMA busy_timeout=0")
                try:
                    done = await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                    return bool(done.one()[0] == 0)
                finally:
                    waiting = round(BUSY_SECONDS * 1000)
                    await connection.exec_driver_sql(f"PRAGMA busy_timeout={waiting}")
        return False

    async def close(self) -> None:
        """Wait for what is running; an end of all connections empties the log by itself."""
        self._closed.set()
        if self._emptying is not None:
            await self._emptying
        if self._running is not None:
            await self._running
