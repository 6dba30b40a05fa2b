"""No room, no write access, a server that goes away: what the caller is told, and what stays."""

from pathlib import Path

import pytest

from app.database import Database, conversations, open_database, questions, sqlite
from app.database.records import ConversationQuery, NewConversation, Question
from app.domain.errors import SllmError
from tests.database import postgresql


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
    damaged = Database(sqlite.async_engine(path), database.presence)
    with pytest.raises(SllmError) as refusal:
        await conversations.find(damaged, "local", ConversationQuery())
    assert refusal.value.code == "internal_error"
    await damaged._engine.dispose()
