"""Processes killed with SIGKILL while they write: what was acknowledged is there, whole."""

import asyncio
import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from app.database import Database, answers, open_database, questions, sqlite, transfer
from app.database.records import Question, StoredMessage
from tests.support import ROOT

CYCLES = 10
WRITERS = 2


def killed_writers(url: str, folder: Path, cycle: int, chance: random.Random) -> dict[str, str]:
    """Run writers, kill each after some acknowledgements; the acknowledged ids and contents."""
    command = [sys.executable, "-m", "tests.database.writer", url, str(folder)]
    writers = [
        subprocess.Popen([*command, f"{cycle}-{n}"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for n in range(WRITERS)
    ]
    lines = []
    for writer in writers:
        assert writer.stdout is not None
        lines += [writer.stdout.readline() for _ in range(chance.randint(1, 40))]
        writer.kill()
        lines += writer.stdout.readlines()
        writer.stdout.close()
        writer.wait()
    whole = [line.rstrip("\n").partition(" ") for line in lines if line.endswith("\n")]
    return {id_: content for id_, _, content in whole}


async def stored(database: Database) -> list[StoredMessage]:
    trees = [tree async for tree in transfer.export_all(database, "local")]
    for tree in trees:
        assert [message.seq for message in tree.messages] == [
            n + 1 for n in range(tree.conversation.message_count)
        ]
    return [message for tree in trees for message in tree.messages]


async def test_nothing_acknowledged_is_lost(url: str, tmp_path: Path) -> None:
    chance = random.Random(5)
    acknowledged: dict[str, str] = {}
    for cycle in range(CYCLES):
        acknowledged |= await asyncio.to_thread(killed_writers, url, tmp_path, cycle, chance)
    database = await open_database(url, tmp_path)
    messages = await stored(database)
    kind = database.kind
    await database.close()
    found = {message.id: message.content for message in messages}
    assert len(acknowledged) > CYCLES * WRITERS
    assert {id_: found.get(id_) for id_ in acknowledged} == acknowledged
    # No half turns: every question has its answer, and none waits for a dead process.
    assert {message.status for message in messages} == {"complete", "interrupted"}
    asked = {message.id for message in messages if message.role == "user"}
    answered = {message.parent_id for message in messages if message.role == "assistant"}
    assert asked == answered
    if kind == "sqlite":
        with closing(sqlite.connect(tmp_path / "data" / "sllm.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")


async def test_a_living_process_s_answers_are_left_alone(
    database: Database, url: str, tmp_path: Path
) -> None:
    turn = await questions.ask(database, "local", Question("still busy"))
    other = await open_database(url, tmp_path)
    await other.close()
    statuses = [message.status for message in await stored(database)]
    assert statuses == ["complete", "pending"]
    await answers.save_progress(database, "local", turn.answer.id, "half")
    again = await open_database(url, tmp_path)
    await database.presence.close()  # as if that process had died
    assert await answers.recover(again) == 1
    messages = await stored(again)
    await again.close()
    assert [(message.status, message.content) for message in messages[1:]] == [
        ("interrupted", "half")
    ]
