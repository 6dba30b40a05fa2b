"""Which processes that write into a database are alive: each holds a lock that dies with it."""

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

WRITER_BITS = 62  # fits PostgreSQL's advisory locks


class Presence(Protocol):
    """This process's mark; `writer` is what it signs pending messages with."""

    writer: str

    async def is_alive(self, writer: str) -> bool:
        """Whether the process that signs as `writer` is still there."""

    async def close(self) -> None:
        """Take the mark away; a second time does nothing."""


def _new_writer() -> str:
    return f"{secrets.randbits(WRITER_BITS):016x}"


class FileLocks:
    """For SQLite, whose processes share a machine: a locked file each, beside the database."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True, mode=0o700)
        self._folder = folder
        self.writer = _new_writer()
        self._path = folder / self.writer
        handle = _locked(self._path, os.O_CREAT)
        assert handle is not None  # nobody else knows this name
        self._handle: int | None = handle

    async def is_alive(self, writer: str) -> bool:
        handle = _locked(self._folder / writer, 0) if writer != self.writer else None
        if handle is None:
            return (self._folder / writer).exists()
        (self._folder / writer).unlink(missing_ok=True)
        os.close(handle)
        return False

    async def close(self) -> None:
        if self._handle is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None


def _locked(path: Path, flags: int) -> int | None:
    """A handle with the lock; None when somebody has it or there is no such file."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


class AdvisoryLocks:
    """For PostgreSQL: a connection of its own holds an advisory lock as long as it lives."""

    def __init__(self, connection: AsyncConnection, engine: AsyncEngine) -> None:
        self.writer = _new_writer()
        self._connection = connection
        self._engine = engine

    @classmethod
    async def take(cls, engine: AsyncEngine) -> "AdvisoryLocks":
        connection = await engine.execution_options(isolation_level="AUTOCOMMIT").connect()
        locks = cls(connection, engine)
        await connection.execute(select(func.pg_advisory_lock(int(locks.writer, 16))))
        return locks

    async def is_alive(self, writer: str) -> bool:
        if writer == self.writer:
            return True
        # The lock lasts as long as this transaction.
        lock = select(func.pg_try_advisory_xact_lock(int(writer, 16)))
        async with self._engine.begin() as connection:
            return not (await connection.execute(lock)).scalar_one()

    async def close(self) -> None:
        if not self._connection.closed:
            # The pool may keep the connection, and so would the server its lock.
            with suppress(DBAPIError):
                await self._connection.execute(select(func.pg_advisory_unlock_all()))
            await self._connection.close()
