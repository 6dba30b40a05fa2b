"""Messages that are put into conversations and taken out, and answers found by their own ids."""

from collections.abc import Sequence

from app.database import Database, branches, conversations, items, questions, responses
from app.database.records import NewConversation, NewMessage, Question, StoredImage
from app.domain.messages import Message
from app.domain.parts import Parts
from app.domain.tools import ToolCall
from tests.database.test_conversations import refusal, turn

CALLS = Parts("Let me see.", "Hm.", (ToolCall("c1", "look", '{"at": "sky"}'),))
RESULT = Parts("blue", result_of="c1")
LINE = (
    NewMessage("user", "Why?"),
    NewMessage("assistant", CALLS.shown, parts=CALLS),
    NewMessage("user", RESULT.shown, parts=RESULT),
)


async def contents(database: Database, id_: str) -> list[str]:
    _, page, _ = await branches.get_messages(database, "local", id_)
    return [message.content for message in page.items]


async def begun(database: Database, added: Sequence[NewMessage] = LINE) -> str:
    return (await items.create(database, "local", NewConversation("t"), added)).id


async def test_what_messages_are_made_of_is_kept_and_shown_to_models(database: Database) -> None:
    id_ = await begun(database)
    _, page, _ = await branches.get_messages(database, "local", id_)
    assert [message.parts for message in page.items] == [None, CALLS, RESULT]
    assert page.items[1].content == 'Let me see.\n\nlook({"at": "sky"})'
    past = await branches.snapshot(database, "local", id_)
    assert past.history == (
        Message("user", "Why?"),
        Message("assistant", "Let me see.", calls=(ToolCall("c1", "look", '{"at": "sky"}'),)),
        Message("tool", "blue", answers="c1"),
    )


async def test_items_before_a_question_come_with_it_or_not_at_all(database: Database) -> None:
    id_ = await begun(database, ())
    asked = Question("And?", id_, before=LINE, name="named")
    stored = await questions.ask(database, "local", asked)
    assert await contents(database, id_) == [*(m.content for m in LINE), "And?", ""]
    assert stored.question.parent_id is not None
    with refusal("conflict"):
        await questions.ask(database, "local", asked)
    assert (await conversations.get(database, "local", id_)).message_count == 5


async def test_a_conversation_without_a_title_gets_the_first_one_offered(
    database: Database,
) -> None:
    id_ = (await conversations.create(database, "local", NewConversation())).id
    for name in ("first", "second"):
        await items.append(database, "local", id_, LINE, name)
    assert (await conversations.get(database, "local", id_)).title == "first"


async def test_what_followed_a_message_follows_what_it_followed(database: Database) -> None:
    id_ = await begun(database)
    _, page, _ = await branches.get_messages(database, "local", id_)
    first, second, third = page.items
    left, _ = await items.remove(database, "local", id_, [second.id])
    _, page, _ = await branches.get_messages(database, "local", id_)
    assert (left, [message.id for message in page.items]) == (2, [first.id, third.id])
    assert page.items[1].parent_id == first.id
    await items.remove(database, "local", id_, [third.id])
    assert (await conversations.get(database, "local", id_)).current_message_id == first.id
    await items.remove(database, "local", id_, [first.id])
    assert (await conversations.get(database, "local", id_)).current_message_id is None
    await items.append(database, "local", id_, LINE)
    assert len(await contents(database, id_)) == 3


async def test_pictures_of_a_message_go_with_it(database: Database) -> None:
    shown = StoredImage("hash", 1, 1, "image/png")
    id_ = await begun(database, [NewMessage("user", "Look", (shown,))])
    _, page, _ = await branches.get_messages(database, "local", id_)
    assert [image.sha256 for image in page.items[0].images] == ["hash"]
    _, hashes = await items.remove(database, "local", id_, [page.items[0].id])
    assert hashes == {"hash"}


async def test_a_message_that_is_being_written_stays(database: Database) -> None:
    stored = await questions.ask(database, "local", Question("one"))
    id_ = stored.conversation_id
    with refusal("conflict"):
        await items.remove(database, "local", id_, [stored.answer.id])
    with refusal("conflict"):
        await items.append(database, "local", id_, LINE)
    with refusal("conflict"):
        await items.strip(database, "local", id_, stored.answer.id, CALLS)


async def test_of_another_owner_nothing_is_taken_out(database: Database) -> None:
    stored = await turn(database, "one", "1")
    for work in (
        items.remove(database, "other", stored.conversation_id, [stored.answer.id]),
        items.append(database, "other", stored.conversation_id, LINE),
        items.copy_of(database, "other", stored.answer.id),
        responses.get(database, "other", stored.answer.id),
        responses.facts_of(database, "other", stored.answer.id),
        responses.note(database, "other", stored.answer.id, {}),
    ):
        with refusal("not_found"):
            await work


async def test_an_answer_with_its_facts_and_all_that_led_to_it(database: Database) -> None:
    first = await turn(database, "one", "1")
    asked = Question("two", first.conversation_id, facts={"model": "m", "inputs": 1})
    second = await questions.ask(database, "local", asked)
    found = await responses.get(database, "local", second.answer.id)
    assert (found.conversation_id, found.answer.id) == (first.conversation_id, second.answer.id)
    assert [message.content for message in found.messages] == ["one", "1", "two", ""]
    assert found.facts == {"model": "m", "inputs": 1}
    assert (await responses.get(database, "local", first.answer.id)).facts == {}
    with refusal("not_found"):
        await responses.get(database, "local", second.question.id)


async def test_a_search_finds_what_is_left_of_a_message(database: Database) -> None:
    id_ = await begun(database)
    _, page, _ = await branches.get_messages(database, "local", id_)
    await items.strip(database, "local", id_, page.items[1].id, Parts("Let me see."))
    assert await contents(database, id_) == ["Why?", "Let me see.", "blue"]


async def test_own_messages_of_an_answer(database: Database) -> None:
    first = await turn(database, "one", "1")
    id_ = first.conversation_id
    asked = Question("two", id_, before=LINE[:1], facts={"inputs": 2})
    second = await questions.ask(database, "local", asked)
    found = await responses.get(database, "local", second.answer.id)
    chosen = await responses.own(database, "local", found)
    assert chosen == [second.answer.id, second.question.id, second.question.parent_id]
    await questions.ask_again(database, "local", id_, second.question.id)
    found = await responses.get(database, "local", second.answer.id)
    assert await responses.own(database, "local", found) == [second.answer.id]
