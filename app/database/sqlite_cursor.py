"""aiosqlite's connection with cursors that visit its thread once for each statement.

Its own go there to be made, to execute, for the rows and to be closed: four times the waiting.
"""

from collections.abc import Callable, Iterable
from typing import Any

import aiosqlite


class Cursor:
    """One statement and all of its rows, as SQLAlchemy's adapter for aiosqlite uses a cursor."""

    arraysize = 1

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> "Cursor":
        """Run it and keep its rows."""
        await self._connection.visit(lambda native: native.execute(sql, parameters), self._take)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "Cursor":
        """Run it for each of `parameters`."""
        await self._connection.visit(lambda native: native.executemany(sql, parameters), self._take)
        return self

    async def fetchall(self) -> list[Any]:
        """The rows, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """The native cursor is closed already."""

    def _take(self, native: Any) -> None:
        self.description = native.description
        self._rows = native.fetchall() if native.description else []
        # After the rows: what RETURNING has changed is counted as they come.
        self.rowcount, self.lastrowid = native.rowcount, native.lastrowid


class Connection(aiosqlite.Connection):
    """Its statements go through `Cursor`."""

    def cursor(self) -> Cursor:  # type: ignore[override]
        """Made here and now."""
        return Cursor(self)

    async def visit(self, run: Callable[[Any], Any], take: Callable[[Any], None]) -> None:
        """In the connection's thread: a native cursor, `run`, `take`, its end."""

        def whole() -> None:
            native = self._conn.cursor()
            try:
                run(native)
                take(native)
            finally:
                native.close()

        await self._execute(whole)  # type: ignore[no-untyped-call]

    @property
    def is_within(self) -> bool:
        """Whether a transaction is open."""
        return self._connection is not None and self._connection.in_transaction
