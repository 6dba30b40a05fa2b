"""The statements that a Database sends, noted and sent again by apsw over a watched disk.

apsw brings an SQLite of its own, and file systems in Python; the statements, their order and their
connections are those of the real thing.
"""

import shutil
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
from sqlalchemy import event

from app.database import Database, open_database, sqlite
from tests.database.disk import DATABASE, Acknowledged, Event, Recorder, Vfs

VERSION = tuple(map(int, apsw.sqlite_lib_version().split(".")))


@dataclass(frozen=True)
class Sent:
    """A statement, or the end of a transaction, on one of the pool's connections."""

    connection: int
    statement: str
    parameters: Any = ()
    many: bool = False


@dataclass
class Notes:
    """What was sent and promised, in order."""

    all: list[Sent | Acknowledged] = field(default_factory=list)
    connections: list[Any] = field(default_factory=list)

    def number(self, connection: Any) -> int:
        driver = connection.connection.dbapi_connection
        if driver not in self.connections:
            self.connections.append(driver)
        return self.connections.index(driver)

    def promise(self, **contents: str | None) -> None:
        self.all.append(Acknowledged(contents))

    def listen(self, database: Database) -> None:
        def statement(connection: Any, _: Any, text: str, parameters: Any, __: Any, many: bool):  # type: ignore[no-untyped-def]
            self.all.append(Sent(self.number(connection), text, parameters, many))

        def end(word: str) -> Callable[[Any], None]:
            return lambda connection: self.all.append(Sent(self.number(connection), word))

        engine = database._engine.sync_engine
        event.listen(engine, "before_cursor_execute", statement)
        event.listen(engine, "commit", end("COMMIT"))
        event.listen(engine, "rollback", end("ROLLBACK"))


Workload = Callable[[Database, Notes], Awaitable[None]]


async def noted(folder: Path, workload: Workload) -> tuple[Path, Notes]:
    """The database as it was before, and what `workload` did to it."""
    await (await open_database(None, folder)).close()
    before = folder / "before.db"
    shutil.copy(folder / DATABASE, before)
    database = await open_database(None, folder)
    notes = Notes()
    notes.listen(database)
    await workload(database, notes)
    await database.close()
    return before, notes


def replayed(before: Path, notes: Notes, folder: Path, pragmas: tuple[str, ...]) -> list[Event]:
    """What reaches the disk when the same is done again; `pragmas` come after the server's."""
    shutil.copy(before, folder / DATABASE)
    recorder = Recorder(folder)
    vfs = Vfs(recorder)
    try:
        connections = [_connect(folder / DATABASE, vfs, pragmas) for _ in notes.connections]
        for note in notes.all:
            if isinstance(note, Acknowledged):
                recorder.events.append(note)
            else:
                _send(connections[note.connection], note)
        for connection in connections:
            connection.close()
    finally:
        vfs.unregister()
    return recorder.events


def _connect(path: Path, vfs: Vfs, pragmas: tuple[str, ...]) -> apsw.Connection:
    connection = apsw.Connection(str(path), vfs=vfs.name)
    sqlite.set_up(connection, VERSION)
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _send(connection: apsw.Connection, sent: Sent) -> None:
    if sent.statement in ("COMMIT", "ROLLBACK") and not connection.in_transaction:
        return
    if sent.many:
        connection.executemany(sent.statement, sent.parameters)
    else:
        with closing(connection.execute(sent.statement, sent.parameters)) as cursor:
            cursor.fetchall()
