"""A database that is open: transactions for reading and for writing, and its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.database.checkpoints import Checkpoints
from app.database.errors import translated
from app.database.presence import Presence
from app.domain.errors import SllmError


class Database:
    """Made by `open_database`; one for each process, used from one event loop.

    Every method, and every function of this package that takes a Database, raises SllmError
    `storage_full` when nothing can be written, `overloaded` when it is worth trying again.
    """

    def __init__(self, engine: AsyncEngine, presence: Presence) -> None:
        self.kind: Literal["sqlite", "postgresql"]
        self.kind = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
        self.presence = presence
        # Whether the last attempt to write failed for want of room.
        self.full = False
        self._engine = engine
        # SQLite has one writer; the waiting of this process's is fairer here than in its polling.
        self._writing = asyncio.Lock() if self.kind == "sqlite" else nullcontext()
        self._checkpoints = Checkpoints(engine, self._writing) if self.kind == "sqlite" else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the database."""
        options = {} if self.kind == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with translated():
            async with self._engine.execution_options(**options).begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is on disk when this block is left, or has not happened."""
        try:
            with translated():
                writing = self._engine.execution_options(writes=True)
                async with self._writing, writing.begin() as connection:
                    yield connection
        except SllmError as error:
            self.full = self.full or error.code == "storage_full"
            raise
        self.full = False
        if self._checkpoints is not None:
            self._checkpoints.count()

    async def forget(self) -> None:
        """Leave nothing on disk of what was deleted. PostgreSQL does that in its own time."""
        if self._checkpoints is not None:
            await self._checkpoints.empty()

    async def ping(self) -> None:
        """Whether reading works; raises SllmError."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1 FROM alembic_version"))

    async def close(self) -> None:
        """End every connection. Unfinished transactions are rolled back."""
        if self._checkpoints is not None:
            await self._checkpoints.close()
        await self.presence.close()
        await self._engine.dispose()
