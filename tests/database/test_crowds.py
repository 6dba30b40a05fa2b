"""Four processes with eight writers each, on one conversation and on many: nobody meets a lock,
nothing acknowledged is missing, and no two turns are mixed."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.database import Database, transfer
from app.database.records import Conversation, StoredMessage, Tree
from tests.support import PATIENCE, ROOT

PROCESSES = 4
TURNS = 5
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
Written = list[str]  # conversation, question, its text, answer, its text


def crowds(url: str, folder: Path, conversations: list[str]) -> tuple[list[Written], Counter[str]]:
    """What was acknowledged, each writer's in order, and the errors that were met."""
    command = [sys.executable, "-m", "tests.database.crowd", url, str(folder)]
    processes = [
        subprocess.Popen(
            [*command, str(n), str(TURNS), *conversations],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for n in range(PROCESSES)
    ]  # fmt: skip
    written: list[Written] = []
    errors: Counter[str] = Counter()
    for process in processes:
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, err) == (0, "")
        *turns, met = map(json.loads, out.splitlines())
        written += turns
        errors.update(met)
    return written, errors


async def conversations(database: Database, count: int) -> list[str]:
    empty = Conversation("", "title", {}, None, MOMENT, MOMENT, None, 0)
    async with database.write() as connection:
        tree = Tree(empty, ())
        return [await transfer.store(connection, "local", tree) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 1000])
async def test_crowds(database: Database, url: str, tmp_path: Path, count: int) -> None:
    ids = await conversations(database, count)
    written, errors = crowds(url, tmp_path, ids)
    assert set(errors) <= {"conflict"}
    assert len(written) == PROCESSES * 8 * TURNS
    trees = [tree async for tree in transfer.export_all(database, "local")]
    check_nothing_is_missing(written, trees)
    for tree in trees:
        check_nothing_is_mixed(tree)
    if count == 1:
        assert errors["conflict"] > 0  # they did meet
        check_the_order_of_each_writer(written, trees[0])


def check_nothing_is_missing(written: list[Written], trees: list[Tree]) -> None:
    found = {
        message.id: (tree.conversation.id, message.content)
        for tree in trees
        for message in tree.messages
    }
    for conversation, question, asked, answer, answered in written:
        assert found[question] == (conversation, asked)
        assert found[answer] == (conversation, answered)
    assert len(found) == 2 * len(written)


def check_nothing_is_mixed(tree: Tree) -> None:
    """One chain, in which each question is followed by its own answer."""
    messages = tree.messages
    assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
    assert tree.conversation.message_count == len(messages)
    before: StoredMessage | None = None
    for message in messages:
        assert message.parent_id == (before.id if before else None)
        assert message.role == ("user" if message.seq % 2 else "assistant")
        assert message.status == "complete"
        if before and message.role == "assistant":
            assert message.content == before.content.replace("question", "answer")
        before = message
    assert tree.conversation.current_message_id == (before.id if before else None)


def check_the_order_of_each_writer(written: list[Written], tree: Tree) -> None:
    places = {message.id: message.seq for message in tree.messages}
    for process in range(PROCESSES):
        for writer in range(8):
            mine = [turn for turn in written if f" {process}.{writer} " in turn[2]]
            seqs = [places[turn[1]] for turn in mine]
            assert len(seqs) == TURNS
            assert seqs == sorted(seqs)
