"""What a turn is told as, and what the next one starts from, is what is stored."""

from app.database import Database, answers, branches, questions
from app.database.records import Answer, NewMessage, Question, StoredImage, Turn
from tests.database.test_conversations import refusal, turn


async def check_told(database: Database, told: Turn) -> None:
    """That it is what whoever reads it again is told."""
    for message in (told.question, told.answer):
        id_ = told.conversation_id
        assert message == await branches.get_message(database, "local", id_, message.id)


async def test_a_turn_is_told_as_it_is_stored(database: Database) -> None:
    shown = (StoredImage("one", 1, 1, "image/png"), StoredImage("two", 2, 2, "image/png"))
    before = (NewMessage("user", "first"), NewMessage("assistant", "so it is"))
    told = await questions.ask(database, "local", Question("see", images=shown, before=before))
    assert [image.sha256 for image in told.question.images] == ["one", "two"]
    await check_told(database, told)
    id_ = told.conversation_id
    await answers.settle(database, "local", told.answer.id, Answer("I see"))
    for parent in (told.answer.id, None):
        more = await questions.ask(database, "local", Question("more", id_, parent))
        await check_told(database, more)
        await answers.settle(database, "local", more.answer.id, Answer("more"))
    again = await questions.ask_again(database, "local", id_, told.question.id)
    await check_told(database, again)


async def test_a_snapshot_ends_where_it_is_asked_to(database: Database) -> None:
    shown = (StoredImage("one", 1, 1, "image/png"),)
    first = await turn(database, "first", "yes", images=shown)
    id_ = first.conversation_id
    second = await turn(database, "second", "no", conversation_id=id_)
    whole = await branches.snapshot(database, "local", id_)
    assert (whole.last_id, [m.content for m in whole.history]) == (
        second.answer.id, ["first", "yes", "second", "no"],
    )  # fmt: skip
    assert [len(message.images) for message in whole.history] == [1, 0, 0, 0]
    past = await branches.snapshot(database, "local", id_, first.answer.id)
    assert (past.last_id, past.history) == (first.answer.id, whole.history[:2])
    other = await turn(database, "another conversation")
    with refusal("not_found"):
        await branches.snapshot(database, "local", id_, other.answer.id)
    with refusal("not_found"):
        await branches.snapshot(database, "other", id_)
