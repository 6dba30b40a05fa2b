"""What SQLite needs from time to time is done along the way: the index merged, the log emptied."""

import asyncio
from pathlib import Path

import pytest

from app.database import (
    Database,
    answers,
    checkpoints,
    conversations,
    deletion,
    open_database,
    questions,
    search,
)
from app.database.records import Answer, NewConversation, Question

TURNS = 80


async def written(folder: Path) -> Database:
    """A database after some turns, open."""
    database = await open_database(None, folder)
    for n in range(TURNS):
        turn = await questions.ask(database, "local", Question(f"질문 {n} " * 40))
        await answers.settle(database, "local", turn.answer.id, Answer(f"answer {n} " * 40))
    return database


async def segments(database: Database) -> int:
    async with database.read() as connection:
        counted = "SELECT count(DISTINCT segid) FROM search_idx"
        found: int = (await connection.exec_driver_sql(counted)).scalar_one()
    return found


@pytest.mark.parametrize(("pages", "tidy"), [(search.MERGED_PAGES, True), (0, False)])
async def test_the_index_does_not_crumble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int, tidy: bool
) -> None:
    monkeypatch.setattr(search, "MERGED_PAGES", pages)
    database = await written(tmp_path)
    assert (await segments(database) < 20) == tidy
    await database.close()


@pytest.mark.parametrize(("every", "short"), [(checkpoints.EVERY, True), (1_000_000, False)])
async def test_the_log_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int, short: bool
) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", every)
    database = await written(tmp_path)
    log = (tmp_path / "sllm.db-wal").stat().st_size
    await database.close()
    assert (log < 4_000_000) == short


async def test_deleted_words_leave_the_log_as_soon_as_no_reader_needs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "RETRY_SECONDS", 0.05)
    database = await open_database(None, tmp_path)
    log = tmp_path / "sllm.db-wal"
    made = await conversations.create(database, "local", NewConversation("Xylophonquartett"))
    async with database.read() as reader:
        await reader.exec_driver_sql("SELECT count(*) FROM conversations")
        await deletion.remove(database, "local", made.id)
        assert b"Xylophonquartett" in log.read_bytes()
        # Nobody waits for that reader.
        await conversations.create(database, "local", NewConversation("other"))
    async with asyncio.timeout(30):
        while log.stat().st_size:  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)
    assert b"Xylophonquartett" not in (tmp_path / "sllm.db").read_bytes()
    await database.close()
