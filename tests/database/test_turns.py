"""Turns under conditions: only onto the current message, once for each Idempotency-Key, again."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from app.database import (
    Database,
    answers,
    branches,
    conversations,
    deletion,
    open_database,
    questions,
)
from app.database.records import Answer, NewConversation, Question, Setup, Turn
from app.domain.errors import SllmError
from app.domain.messages import Message
from tests.database.test_conversations import contents, refusal, turn
from tests.support import PATIENCE

KEYED = Question("once", idempotency_key="key", request_hash="hash")
CONCISE = Setup("concise", (Message("system", "Be brief."),), {"temperature": 0})


async def seqs(database: Database, id_: str) -> list[int]:
    _, tree, _ = await branches.get_messages(database, "local", id_, all_branches=True)
    return [message.seq for message in tree.items]


async def test_only_onto_the_current_message(database: Database) -> None:
    first = await turn(database, "one", "1")
    id_ = first.conversation_id
    second = await turn(
        database, "two", "2", conversation_id=id_, parent_id=first.answer.id, must_be_current=True
    )
    for parent in (first.answer.id, first.question.id, second.question.id, None):
        late = Question("late", id_, parent, must_be_current=True)
        with refusal("conflict") as refused:
            await questions.ask(database, "local", late)
        assert refused.value.retry_after
    assert await seqs(database, id_) == [1, 2, 3, 4]
    branch = Question("branch", id_, first.answer.id)
    assert (await questions.ask(database, "local", branch)).question.parent_id == first.answer.id


async def test_an_empty_conversation_has_no_current_message(database: Database) -> None:
    made = await conversations.create(database, "local", NewConversation())
    empty = await branches.snapshot(database, "local", made.id)
    assert (empty.last_id, empty.history) == (None, ())
    asked = [
        questions.ask(database, "local", Question(f"first {n}", made.id, must_be_current=True))
        for n in range(4)
    ]
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(outcome, Turn) for outcome in ended) == 1
    assert {outcome.code for outcome in ended if isinstance(outcome, SllmError)} == {"conflict"}


async def test_a_current_message_that_is_being_written_is_no_place_to_go_on(
    database: Database,
) -> None:
    busy = await questions.ask(database, "local", Question("one"))
    with refusal("conflict"):
        await questions.ask(
            database, "local",
            Question("two", busy.conversation_id, busy.answer.id, must_be_current=True),
        )  # fmt: skip
    with refusal("conflict"):
        await questions.ask(
            database, "local", Question("two", busy.conversation_id, busy.answer.id)
        )


async def test_a_setup_is_replaced_with_the_question_or_not_at_all(database: Database) -> None:
    start = NewConversation("t", setup=Setup("default", (Message("system", "Old."),)))
    first = await questions.ask(database, "local", Question("one", start=start))
    id_ = first.conversation_id
    with refusal("conflict"):
        await questions.ask(database, "local", Question("two", id_, setup=CONCISE))
    assert (await branches.snapshot(database, "local", id_)).setup == start.setup
    await answers.settle(database, "local", first.answer.id, Answer("1"))
    await turn(database, "two", "2", conversation_id=id_)
    assert (await branches.snapshot(database, "local", id_)).setup == start.setup
    await turn(database, "three", "3", conversation_id=id_, setup=CONCISE)
    shown = await branches.snapshot(database, "local", id_)
    assert shown.setup == CONCISE
    assert (await conversations.get(database, "local", id_)).template == "concise"


async def test_a_snapshot_leaves_out_what_says_nothing(database: Database) -> None:
    first = await turn(database, "one", "1")
    id_ = first.conversation_id
    for content, status in (("", "failed"), ("half", "failed"), ("", "interrupted")):
        asked = await questions.ask(database, "local", Question(f"{status} {content}", id_))
        await answers.settle(database, "local", asked.answer.id, Answer(content, status))  # type: ignore[arg-type]
    last = await questions.ask(database, "local", Question("last", id_))
    shown = await branches.snapshot(database, "local", id_)
    assert (shown.last_id, shown.last_status) == (last.answer.id, "pending")
    assert [(m.role, m.content) for m in shown.history] == [
        ("user", "one"), ("assistant", "1"), ("user", "failed "), ("user", "failed half"),
        ("user", "interrupted "), ("user", "last"),
    ]  # fmt: skip
    earlier = await branches.snapshot(database, "local", id_, first.question.id)
    assert [message.content for message in earlier.history] == ["one"]
    other = await turn(database, "other")
    with refusal("not_found"):
        await branches.snapshot(database, "local", id_, other.answer.id)


async def test_the_question_of_a_message(database: Database) -> None:
    first = await turn(database, "one", "1")
    id_ = first.conversation_id
    for message in (first.question, first.answer):
        asked = await branches.question_of(database, "local", id_, message.id)
        assert asked.id == first.question.id
    edited = await questions.edit(database, "local", id_, first.answer.id, "uno")
    assert (await branches.question_of(database, "local", id_, edited.id)).content == "one"
    other = await turn(database, "other")
    with refusal("not_found"):
        await branches.question_of(database, "local", id_, other.answer.id)


async def test_repeated_tells_and_stores_nothing(database: Database) -> None:
    assert await questions.repeated(database, "local", KEYED) is None
    assert await questions.repeated(database, "local", Question("no key")) is None
    first = await questions.ask(database, "local", KEYED)
    told = await questions.repeated(database, "local", KEYED)
    assert told is not None
    assert (told.repeated, told.answer, told.result) == (True, first.answer, None)
    await answers.settle(
        database, "local", first.answer.id, Answer("done", result={"response": "done"})
    )
    told = await questions.repeated(database, "local", KEYED)
    assert told is not None
    assert (told.answer.content, told.result) == ("done", {"response": "done"})
    assert await questions.repeated(database, "other", KEYED) is None
    other = msgspec.structs.replace(KEYED, request_hash="other")
    with refusal("conflict"):
        await questions.repeated(database, "local", other)
    assert await seqs(database, first.conversation_id) == [1, 2]
    await deletion.remove(database, "local", first.conversation_id)
    assert await questions.repeated(database, "local", KEYED) is None


async def test_a_key_means_the_answer_that_came_instead(database: Database) -> None:
    first = await questions.ask(database, "local", KEYED)
    id_, old = first.conversation_id, first.answer.id
    await answers.settle(
        database, "local", old, Answer("half an", "interrupted", result={"response": "half an"})
    )
    again = await questions.ask_again(database, "local", id_, first.question.id, instead_of=old)
    told = await questions.ask(database, "local", KEYED)
    assert (told.repeated, told.answer.id, told.result) == (True, again.answer.id, None)
    with refusal("conflict") as refused:  # it means another answer by now
        await questions.ask_again(database, "local", id_, first.question.id, instead_of=old)
    assert refused.value.param == "Idempotency-Key"
    assert await seqs(database, id_) == [1, 2, 3]
    await answers.settle(
        database, "local", again.answer.id, Answer("whole", result={"response": "whole"})
    )
    told = await questions.ask(database, "local", KEYED)
    assert (told.answer.content, told.result) == ("whole", {"response": "whole"})
    assert await contents(database, id_) == ["once", "whole"]


async def test_an_answer_without_a_key_cannot_be_replaced_under_one(database: Database) -> None:
    first = await turn(database, "one")
    with refusal("conflict"):
        await questions.ask_again(
            database, "local", first.conversation_id, first.question.id, first.answer.id
        )
    assert await seqs(database, first.conversation_id) == [1, 2]


Attempt = Callable[[Database], Awaitable[Turn]]


async def ask_with_key(database: Database) -> Turn:
    return await questions.ask(database, "local", KEYED)


async def ask_again_with_key(database: Database) -> Turn:
    earlier = await questions.repeated(database, "local", KEYED)
    assert earlier is not None
    if earlier.answer.status == "pending":
        raise SllmError("conflict")
    return await questions.ask_again(
        database, "local", earlier.conversation_id, earlier.question.id, earlier.answer.id
    )


def racing(url: str, folder: Path, attempt: Attempt, ready: Any, outcomes: Any) -> None:
    """Four attempts at once in a process; what came of them."""

    async def attempts() -> None:
        database = await open_database(url, folder)
        try:
            await asyncio.to_thread(ready.wait, PATIENCE)
            ended = await asyncio.gather(
                *(attempt(database) for _ in range(4)), return_exceptions=True
            )
            for outcome in ended:
                outcomes.put(
                    (outcome.answer.id, outcome.repeated)
                    if isinstance(outcome, Turn)
                    else (getattr(outcome, "code", repr(outcome)), True)
                )
        finally:
            await asyncio.to_thread(ready.wait, PATIENCE)  # its answers stay pending until then
            await database.close()

    asyncio.run(attempts())


async def raced(url: str, folder: Path, attempt: Attempt) -> list[tuple[str, bool]]:
    """The outcomes of two processes that try at once."""
    spawn = multiprocessing.get_context("spawn")
    ready, outcomes = spawn.Barrier(2), spawn.Queue()
    processes = [
        spawn.Process(target=racing, args=(url, folder, attempt, ready, outcomes)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    found = [await asyncio.to_thread(outcomes.get, True, PATIENCE) for _ in range(8)]
    for process in processes:
        await asyncio.to_thread(process.join, PATIENCE)
    assert [process.exitcode for process in processes] == [0, 0]
    return found


async def test_two_processes_with_one_key_store_one_turn(
    database: Database, url: str, tmp_path: Path
) -> None:
    outcomes = await raced(url, tmp_path, ask_with_key)
    assert len({answer for answer, _ in outcomes}) == 1
    assert [repeated for _, repeated in outcomes].count(False) == 1
    told = await questions.repeated(database, "local", KEYED)
    assert told is not None
    assert await seqs(database, told.conversation_id) == [1, 2]


async def test_two_processes_replace_an_interrupted_answer_once(
    database: Database, url: str, tmp_path: Path
) -> None:
    first = await questions.ask(database, "local", KEYED)
    await answers.settle(database, "local", first.answer.id, Answer("half", "interrupted"))
    outcomes = await raced(url, tmp_path, ask_again_with_key)
    answered = [answer for answer, repeated in outcomes if not repeated]
    assert [answer for answer, repeated in outcomes if repeated] == ["conflict"] * 7
    told = await questions.repeated(database, "local", KEYED)
    assert told is not None
    assert [told.answer.id] == answered
    assert await seqs(database, first.conversation_id) == [1, 2, 3]
