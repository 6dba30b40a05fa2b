"""Conversations: turns, branches, lists, owners, idempotency, deletion."""

import asyncio
from typing import Any

import pytest

from app.database import (
    Database,
    answers,
    branches,
    conversations,
    deletion,
    open_database,
    questions,
)
from app.database.records import Answer, ConversationQuery, NewConversation, Question, Setup, Turn
from app.domain.errors import SllmError
from app.domain.generation import Timings, Usage

USAGE = Usage(12, 3, 15, 4)
TIMINGS = Timings(0.5, 10.25, 12.0, 30.0, 45.0, 66.7)


async def turn(database: Database, text: str, reply: str = "reply", **more: Any) -> Turn:
    """A finished turn of `local`."""
    asked = await questions.ask(database, "local", Question(text, **more))
    await answers.settle(database, "local", asked.answer.id, Answer(reply, finish_reason="stop"))
    return asked


def refusal(code: str) -> pytest.RaisesExc[SllmError]:
    return pytest.RaisesExc(SllmError, check=lambda error: error.code == code)


async def test_a_turn_is_kept(database: Database) -> None:
    start = NewConversation("A title", {"project": "한국"}, Setup("default"))
    asked = await questions.ask(database, "local", Question("안녕하세요", start=start))
    assert (asked.answer.status, asked.answer.parent_id) == ("pending", asked.question.id)
    ended = Answer("Hello", "complete", "stop", USAGE, TIMINGS)
    await answers.settle(database, "local", asked.answer.id, ended)
    settled = await branches.get_message(database, "local", asked.conversation_id, asked.answer.id)
    conversation, page, _ = await branches.get_messages(database, "local", asked.conversation_id)
    assert [message.content for message in page.items] == ["안녕하세요", "Hello"]
    assert page.items[1] == settled
    assert (settled.usage, settled.timings) == (USAGE, TIMINGS)
    assert (settled.status, settled.finish_reason) == ("complete", "stop")
    assert (conversation.title, conversation.metadata) == ("A title", {"project": "한국"})
    assert (conversation.template, conversation.message_count) == ("default", 2)
    assert conversation.last_message is not None
    assert conversation.last_message.preview == "Hello"
    assert conversation.created_at <= conversation.updated_at


async def test_it_is_still_there_after_a_restart(
    database: Database, url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    asked = await turn(database, "remember me")
    other = await open_database(url, tmp_path_factory.mktemp("other"))
    try:
        _, page, _ = await branches.get_messages(other, "local", asked.conversation_id)
    finally:
        await other.close()
    assert [message.content for message in page.items] == ["remember me", "reply"]


async def test_branches(database: Database) -> None:
    first = await turn(database, "one", "1")
    id_ = first.conversation_id
    second = await turn(database, "two", "2", conversation_id=id_)
    branch = await turn(database, "three", "3", conversation_id=id_, parent_id=first.answer.id)
    assert await contents(database, id_) == ["one", "1", "three", "3"]
    await conversations.change(database, "local", id_, current_message_id=second.answer.id)
    assert await contents(database, id_) == ["one", "1", "two", "2"]
    _, tree, _ = await branches.get_messages(database, "local", id_, all_branches=True)
    assert [message.seq for message in tree.items] == [1, 2, 3, 4, 5, 6]
    shown = await branches.snapshot(database, "local", id_, branch.answer.id)
    assert [message.content for message in shown.history] == ["one", "1", "three", "3"]
    current = await branches.snapshot(database, "local", id_)
    assert (current.last_id, [m.content for m in current.history][2:]) == (
        second.answer.id,
        ["two", "2"],
    )


async def contents(database: Database, id_: str) -> list[str]:
    _, page, _ = await branches.get_messages(database, "local", id_)
    return [message.content for message in page.items]


async def test_messages_page(database: Database) -> None:
    first = await turn(database, "one", "1")
    id_ = first.conversation_id
    await turn(database, "two", "2", conversation_id=id_)
    _, page, _ = await branches.get_messages(database, "local", id_, page=2, page_size=3)
    assert ([message.content for message in page.items], page.total) == (["2"], 4)


async def test_regenerating_makes_a_sibling(database: Database) -> None:
    first = await turn(database, "one", "1")
    id_ = first.conversation_id
    again = await questions.ask_again(database, "local", id_, first.question.id)
    assert again.question.id == first.question.id
    await answers.settle(database, "local", again.answer.id, Answer("uno"))
    assert await contents(database, id_) == ["one", "uno"]


async def test_editing_makes_a_sibling(database: Database) -> None:
    first = await turn(database, "one", "1")
    edited = await questions.edit(
        database, "local", first.conversation_id, first.question.id, "eins"
    )
    assert (edited.role, edited.parent_id) == ("user", None)
    assert await contents(database, first.conversation_id) == ["eins"]


async def test_an_answer_ends_once(database: Database) -> None:
    first = await turn(database, "one", "1")
    with refusal("conflict"):
        await answers.settle(database, "local", first.answer.id, Answer("other"))


async def test_an_interrupted_answer_is_kept(database: Database) -> None:
    asked = await questions.ask(database, "local", Question("one"))
    await answers.save_progress(database, "local", asked.answer.id, "half an ans")
    await answers.settle(
        database, "local", asked.answer.id, Answer("half an answer", "interrupted")
    )
    message = await branches.get_message(database, "local", asked.conversation_id, asked.answer.id)
    assert (message.status, message.content) == ("interrupted", "half an answer")


async def test_who_writes_into_an_unfinished_turn_gets_a_conflict(database: Database) -> None:
    asked = await questions.ask(database, "local", Question("one"))
    with refusal("conflict"):
        await questions.ask(database, "local", Question("two", asked.conversation_id))


async def test_two_writers_are_ordered_or_refused(database: Database) -> None:
    first = await turn(database, "one")
    racing = [
        questions.ask(database, "local", Question(f"racer {n}", first.conversation_id))
        for n in range(8)
    ]
    ended = await asyncio.gather(*racing, return_exceptions=True)
    won = [outcome for outcome in ended if isinstance(outcome, Turn)]
    lost = [outcome.code for outcome in ended if isinstance(outcome, SllmError)]
    assert (len(won), lost) == (1, ["conflict"] * 7)


async def test_branching_writers_never_mix(database: Database) -> None:
    first = await turn(database, "one")
    racing = [
        turn(
            database, f"q{n}", f"a{n}",
            conversation_id=first.conversation_id, parent_id=first.answer.id,
        )
        for n in range(16)
    ]  # fmt: skip
    turns = await asyncio.gather(*racing)
    _, tree, _ = await branches.get_messages(
        database, "local", first.conversation_id, all_branches=True
    )
    assert [message.seq for message in tree.items] == list(range(1, 35))
    for each in turns:
        assert each.answer.seq == each.question.seq + 1
    answers_ = {message.parent_id: message.content for message in tree.items}
    assert all(answers_[each.question.id] == "a" + each.question.content[1:] for each in turns)


async def test_the_same_key_is_one_turn(database: Database) -> None:
    question = Question("once", idempotency_key="k1", request_hash="h1")
    first = await questions.ask(database, "local", question)
    pending = await questions.ask(database, "local", question)
    assert (pending.repeated, pending.answer.status) == (True, "pending")
    result = {"response": "done", "n": 1}
    await answers.settle(database, "local", first.answer.id, Answer("done", result=result))
    again = await questions.ask(database, "local", question)
    assert (again.answer.id, again.answer.content) == (first.answer.id, "done")
    assert (again.conversation_id, again.result) == (first.conversation_id, result)
    other = Question("other", idempotency_key="k1", request_hash="h2")
    with refusal("conflict"):
        await questions.ask(database, "local", other)
    assert not (await questions.ask(database, "somebody", other)).repeated


async def test_the_same_key_at_once_is_one_turn(database: Database) -> None:
    question = Question("once", idempotency_key="k1", request_hash="h1")
    turns = await asyncio.gather(*(questions.ask(database, "local", question) for _ in range(8)))
    assert len({each.answer.id for each in turns}) == 1
    assert sum(not each.repeated for each in turns) == 1


async def test_another_owner_s_is_not_found(database: Database) -> None:
    mine = await turn(database, "mine", idempotency_key="k", request_hash="h")
    id_, message = mine.conversation_id, mine.answer.id
    other = await questions.ask(database, "other", Question("hers"))
    for attempt in (
        conversations.get(database, "other", id_),
        conversations.change(database, "other", id_, title="x"),
        deletion.remove(database, "other", id_),
        branches.get_messages(database, "other", id_),
        branches.get_message(database, "other", id_, message),
        branches.snapshot(database, "other", id_, message),
        branches.snapshot(database, "other", id_),
        branches.question_of(database, "other", id_, message),
        questions.ask(database, "other", Question("x", id_)),
        questions.ask(database, "other", Question("x", other.conversation_id, message)),
        questions.ask_again(database, "other", id_, message),
        questions.edit(database, "other", id_, message, "x"),
        answers.settle(database, "other", message, Answer("x")),
        conversations.change(database, "other", other.conversation_id, current_message_id=message),
    ):
        with refusal("not_found"):
            await attempt
    found = await conversations.find(database, "other", ConversationQuery(search="mine"))
    assert found.total == 0
    assert await deletion.remove_all(database, "other") == (1, frozenset())
    assert await contents(database, id_) == ["mine", "reply"]


@pytest.mark.parametrize(
    "id_", ["", "conv_1", "../x", "conv_" + "0" * 32, "conv_\0", "ａ", "\ud800"]
)
async def test_an_id_that_is_none_is_not_found(database: Database, id_: str) -> None:
    with refusal("not_found"):
        await conversations.get(database, "local", id_)


@pytest.mark.parametrize("bad", ["a\0b", "a\ud800b"])
async def test_what_a_database_cannot_hold_is_refused(database: Database, bad: str) -> None:
    first = await turn(database, "one")
    id_ = first.conversation_id
    for attempt in (
        questions.ask(database, "local", Question(bad)),
        questions.ask(database, "local", Question("x", start=NewConversation(bad))),
        questions.ask(database, "local", Question("x", start=NewConversation(metadata={bad: ""}))),
        questions.ask(database, "local", Question("x", idempotency_key=bad)),
        questions.edit(database, "local", id_, first.question.id, bad),
        conversations.change(database, "local", id_, title=bad),
        conversations.find(database, "local", ConversationQuery(search=bad)),
        conversations.find(database, "local", ConversationQuery(metadata={"k": bad})),
        answers.settle(database, "local", first.answer.id, Answer(bad)),
    ):
        with refusal("invalid_parameter"):
            await attempt
    assert (await conversations.find(database, "local", ConversationQuery())).total == 1


async def test_lists(database: Database) -> None:
    ids = [(await turn(database, f"number {n}")).conversation_id for n in range(5)]
    await conversations.change(database, "local", ids[0], metadata={"a": "1", "b": "2"})
    await conversations.change(database, "local", ids[1], metadata={"a": "1"})

    async def listed(**query: object) -> list[int]:
        asked = ConversationQuery(**query)  # type: ignore[arg-type]
        page = await conversations.find(database, "local", asked)
        return [ids.index(item.id) for item in page.items]

    assert await listed() == [1, 0, 4, 3, 2]
    assert await listed(order="created_desc") == [4, 3, 2, 1, 0]
    assert await listed(order="created_desc", page=2, page_size=2) == [2, 1]
    assert await listed(metadata={"a": "1"}) == [1, 0]
    assert await listed(metadata={"a": "1", "b": "2"}) == [0]
    assert await listed(metadata={"a": "2"}) == []
    await conversations.change(database, "local", ids[0], metadata={})
    assert await listed(metadata={"a": "1"}) == [1]


async def test_deleting(database: Database) -> None:
    first = await turn(database, "삭제할 말", idempotency_key="k", request_hash="h")
    await turn(database, "kept")
    await deletion.remove(database, "local", first.conversation_id)
    with refusal("not_found"):
        await conversations.get(database, "local", first.conversation_id)
    page = await conversations.find(database, "local", ConversationQuery(search="삭제"))
    assert page.total == 0
    again = Question("new", idempotency_key="k", request_hash="other")
    assert not (await questions.ask(database, "local", again)).repeated
    assert await deletion.remove_all(database, "local") == (2, frozenset())
    assert (await conversations.find(database, "local", ConversationQuery())).total == 0
