"""No room, no write access, a server that goes away: what the caller is told, and what stays."""

import asyncio
import resource
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.database import (
    Database,
    DatabaseUnusable,
    answers,
    conversations,
    open_database,
    questions,
    sqlite,
)
from app.database.records import Answer, ConversationQuery, NewConversation, Question
from app.domain.errors import SllmError
from tests.database import postgresql
from tests.support import PATIENCE


async def test_a_full_disk_refuses_writes_and_reads_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await open_database(None, tmp_path)
    kept = await conversations.create(database, "local", NewConversation("kept"))
    await database.close()
    monkeypatch.setattr(sqlite, "PRAGMAS", (*sqlite.PRAGMAS, "max_page_count=1"))
    full = await open_database(None, tmp_path)
    for _ in range(3):
        with pytest.raises(SllmError) as refusal:
            await questions.ask(full, "local", Question("x" * 500_000))
        assert refusal.value.code == "storage_full"
    page = await conversations.find(full, "local", ConversationQuery())
    assert [item.id for item in page.items] == [kept.id]
    async with full.write() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count=100000")
    await full.close()
    monkeypatch.undo()
    roomy = await open_database(None, tmp_path)
    await questions.ask(roomy, "local", Question("x" * 500_000))
    await roomy.close()


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """As on a full disk, the kernel refuses to let files grow; for a single process, and no root
    is needed."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_writes_work_again_once_there_is_room(tmp_path: Path) -> None:
    database = await open_database(None, tmp_path)
    kept = await questions.ask(database, "local", Question("kept"))
    with no_file_larger_than(400_000):
        for n in range(3):
            with pytest.raises(SllmError) as refusal:
                await questions.ask(database, "local", Question(f"lost {n} " * 100_000))
            assert (refusal.value.code, database.full) == ("storage_full", True)
            page = await conversations.find(database, "local", ConversationQuery(search="kept"))
            assert [item.id for item in page.items] == [kept.conversation_id]
        await answers.settle(database, "local", kept.answer.id, Answer("small enough"))
        assert not database.full
    await questions.ask(database, "local", Question("large " * 100_000))
    lost = await conversations.find(database, "local", ConversationQuery(search="lost"))
    everything = await conversations.find(database, "local", ConversationQuery())
    await database.close()
    assert (lost.total, everything.total) == (0, 2)
    with closing(sqlite.connect(tmp_path / "sllm.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM messages").fetchall() == [(4,)]
        connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")


async def test_a_start_on_a_full_disk_says_so(tmp_path: Path) -> None:
    await (await open_database(None, tmp_path)).close()
    with (
        no_file_larger_than(1_000),
        pytest.raises(DatabaseUnusable, match="Look whether the disk is full"),
    ):
        await open_database(None, tmp_path)
    await (await open_database(None, tmp_path)).close()


async def fail(database: Database, state: str) -> None:
    raised = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"
    async with database.write() as connection:
        await connection.exec_driver_sql(raised)


@pytest.mark.parametrize(
    ("state", "code"),
    [("53100", "storage_full"), ("25006", "storage_full"), ("40001", "overloaded"),
     ("40P01", "overloaded"), ("57P01", "overloaded"), ("53300", "overloaded")],
)  # fmt: skip
async def test_postgresql_s_states(
    postgresql_server: postgresql.Postgresql, tmp_path: Path, state: str, code: str
) -> None:
    database = await open_database(postgresql_server.fresh(), tmp_path)
    with pytest.raises(SllmError) as refusal:
        await fail(database, state)
    await database.close()
    assert refusal.value.code == code
    assert (refusal.value.retry_after is not None) == (code == "overloaded")


async def test_connections_that_the_server_has_ended_are_replaced(
    postgresql_server: postgresql.Postgresql, tmp_path: Path
) -> None:
    url = postgresql_server.fresh()
    database = await open_database(url, tmp_path)
    await conversations.create(database, "local", NewConversation("before"))
    postgresql_server.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()",
        url.rpartition("/")[2],
    )
    outcomes = []
    for _ in range(3):
        try:
            await conversations.create(database, "local", NewConversation("after"))
            outcomes.append("stored")
        except SllmError as error:
            outcomes.append(error.code)
    await database.close()
    assert outcomes[-1] == "stored"
    assert set(outcomes) <= {"stored", "overloaded"}


async def test_a_damaged_page_is_a_plain_error(database: Database, tmp_path: Path) -> None:
    if database.kind != "sqlite":
        pytest.skip("PostgreSQL looks after its own files")
    for _ in range(200):
        await conversations.create(database, "local", NewConversation("title " * 50))
    await database.close()
    path = tmp_path / "data" / "sllm.db"
    with path.open("r+b") as file:
        for page in range(2, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 64)
    others = set(threading.enumerate())
    damaged = Database(sqlite.async_engine(path), database.presence)
    with pytest.raises(SllmError) as refusal:
        await conversations.find(damaged, "local", ConversationQuery())
    assert refusal.value.code == "internal_error"
    await damaged._engine.dispose()
    # Connections that were given up end by themselves, on the loop that must still be there.
    for thread in set(threading.enumerate()) - others:
        if "connection_worker" in thread.name:
            await asyncio.to_thread(thread.join, PATIENCE)
