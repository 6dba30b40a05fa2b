"""What SQLite needs from time to time is done along the way: the index merged, the log emptied."""

from pathlib import Path

import pytest

from app.database import Database, answers, checkpoints, open_database, questions, search
from app.database.records import Answer, Question

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
