"""Export and import: everything comes back, under new ids, in another owner's or database's."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec

from app.database import Database, answers, branches, conversations, deletion, questions, transfer
from app.database.records import (
    Answer,
    Conversation,
    ConversationQuery,
    NewConversation,
    Question,
    Setup,
    StoredMessage,
    Tree,
)
from app.domain.messages import Message
from tests.database.test_conversations import TIMINGS, USAGE, refusal

SETUP = Setup("sql_assistant", (Message("system", "너는"),), {"temperature": 0.5})
MOMENT = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)


async def test_there_and_back(database: Database) -> None:
    start = NewConversation("제목", {"k": "v"}, SETUP)
    first = await questions.ask(database, "local", Question("질문", start=start))
    ended = Answer("대답", "complete", "length", USAGE, TIMINGS)
    await answers.settle(database, "local", first.answer.id, ended)
    id_ = first.conversation_id
    await questions.edit(database, "local", id_, first.question.id, "edited")
    await conversations.change(database, "local", id_, current_message_id=first.answer.id)
    exported = [tree async for tree in transfer.export_all(database, "local")]
    assert exported == [await transfer.export_one(database, "local", id_)]
    copy = msgspec.json.decode(msgspec.json.encode(exported[0]), type=Tree)
    new = await transfer.import_one(database, "other", copy)
    back = await transfer.export_one(database, "other", new)
    assert [shape(message) for message in back.messages] == [
        shape(message) for message in copy.messages
    ]
    assert (back.conversation.title, back.conversation.created_at) == (
        "제목",
        copy.conversation.created_at,
    )
    assert back.setup == SETUP
    assert not {message.id for message in back.messages} & {m.id for m in copy.messages}
    _, branch, _ = await branches.get_messages(database, "other", new)
    assert [message.content for message in branch.items] == ["질문", "대답"]
    query = ConversationQuery(search="대답", metadata={"k": "v"})
    assert (await conversations.find(database, "other", query)).total == 1


def shape(message: StoredMessage) -> tuple[object, ...]:
    """All but the ids."""
    return (message.role, message.content, message.status, message.created_at, message.seq,
            message.finish_reason, message.usage, message.timings)  # fmt: skip


def tree(*messages: StoredMessage) -> Tree:
    return Tree(Conversation("", "t", {}, None, MOMENT, MOMENT, None, 0), messages)


async def test_the_export_is_a_stream(database: Database) -> None:
    for n in range(5):
        await conversations.create(database, "local", NewConversation(str(n)))
    titles = []
    async for each in transfer.export_all(database, "local"):
        titles.append(each.conversation.title)
        if len(titles) == 2:  # nobody is held up, and the end stays where it was
            await conversations.create(database, "local", NewConversation("late"))
    assert titles == ["0", "1", "2", "3", "4"]


async def test_a_parent_that_comes_later_is_refused(database: Database) -> None:
    child = StoredMessage("a", "b", "user", "x", "complete", MOMENT, 1)
    parent = StoredMessage("b", None, "user", "y", "complete", MOMENT, 2)
    for messages in ((child, parent), (child,)):
        with refusal("invalid_parameter"):
            await transfer.import_one(database, "local", tree(*messages))
    page = await conversations.find(database, "local", ConversationQuery())
    assert page.total == 0


async def test_an_imported_pending_message_is_interrupted(database: Database) -> None:
    pending = StoredMessage("a", None, "assistant", "x", "pending", MOMENT, 1)
    id_ = await transfer.import_one(database, "local", tree(pending))
    _, page, _ = await branches.get_messages(database, "local", id_)
    assert [(each.status, each.created_at) for each in page.items] == [("interrupted", MOMENT)]


async def test_times_that_cannot_be_are_moved_to_the_nearest_that_can(database: Database) -> None:
    west, east = timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))
    late = datetime(9999, 12, 31, 23, 59, tzinfo=west)
    early = datetime(1, 1, 1, tzinfo=east)
    source = Conversation("", "t", {}, None, early, late, None, 0)
    message = StoredMessage("a", None, "user", "x", "complete", late, 1)
    before = datetime.now(UTC)
    id_ = await transfer.import_one(database, "local", Tree(source, (message,)))
    back = await transfer.export_one(database, "local", id_)
    assert back.conversation.created_at == datetime(1970, 1, 1, tzinfo=UTC)
    for moment in (back.conversation.updated_at, back.messages[0].created_at):
        assert before <= moment <= datetime.now(UTC)


async def test_a_long_conversation_is_found_whole_and_leaves_whole(database: Database) -> None:
    chain = [
        StoredMessage(
            f"m{n}", f"m{n - 1}" if n else None, "user", f"{n}번째", "complete", MOMENT, 0
        )
        for n in range(200)
    ]
    chain[3] = msgspec.structs.replace(chain[3], content="긴 글 " * 50_000)
    id_ = await transfer.import_one(database, "local", tree(*chain))
    _, page, _ = await branches.get_messages(database, "local", id_)
    assert [message.content for message in page.items] == [message.content for message in chain]
    await questions.ask(database, "local", Question("나중 말", conversation_id=id_))
    found = {word: await total(database, word) for word in ("199번째", "긴 글", "0번째", "나중")}
    assert found == {"199번째": 1, "긴 글": 1, "0번째": 1, "나중": 1}
    await deletion.remove(database, "local", id_)
    assert {word: await total(database, word) for word in found} == dict.fromkeys(found, 0)


async def total(database: Database, search: str) -> int:
    query = ConversationQuery(search=search)
    return (await conversations.find(database, "local", query)).total
