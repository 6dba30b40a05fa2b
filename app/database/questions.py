"""Turns: a question and the place for its answer, stored together in one transaction."""

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import idempotency, images, responses
from app.database.appending import Appending, indexed
from app.database.conversations import check_setup
from app.database.lookup import NUMBER, OWNER, message_by_number, message_of, whole_message
from app.database.records import NewMessage, Question, Setup, StoredMessage, Turn
from app.database.session import Database
from app.database.tables import messages
from app.database.texts import check_text
from app.domain.errors import SllmError

RETRY_SECONDS = 1

_CONTINUED = select(messages.c.number, messages.c.id, messages.c.status).where(
    messages.c.owner == OWNER, messages.c.number == NUMBER
)


async def ask(database: Database, owner: str, question: Question) -> Turn:
    """Store a question and a pending answer to it, in a new conversation or an old one.

    SllmError: `not_found` (conversation or parent), `conflict` (the message to continue is still
    being written, or the idempotency key belongs to another request), `too_large`.
    """
    added = (*question.before, _newest(question))
    for message in added:
        check_text(message.content, "message")
    check_text(question.idempotency_key or "", "Idempotency-Key")
    check_setup(question.setup or Setup())
    ready = await indexed(database, owner, added)
    async with database.write() as connection:
        earlier = await idempotency.claim(connection, owner, question)
        if earlier is not None:
            return earlier
        if question.conversation_id is None:
            place = await Appending.to_new(connection, owner, question.start)
            parent = None
        else:
            place = await Appending.to(connection, owner, question.conversation_id)
            parent = await _parent(place, question)
        asked = await place.follow(parent, added, ready)
        assert asked is not None
        turn = await _answered(database, place, asked, place.written[asked], question)
        await idempotency.remember(connection, owner, question, place.number, place.added[-1])
        return turn


def _newest(question: Question) -> NewMessage:
    return NewMessage(question.role, question.content, question.images, question.parts)


async def repeated(database: Database, owner: str, question: Question) -> Turn | None:
    """The turn that an earlier request with the same Idempotency-Key has stored, if one has.

    SllmError `conflict` when that request was another one.
    """
    if question.idempotency_key is None:
        return None
    check_text(question.idempotency_key, "Idempotency-Key")
    async with database.read() as connection:
        return await idempotency.find(connection, owner, question)


async def ask_again(
    database: Database,
    owner: str,
    conversation_id: str,
    question_id: str,
    instead_of: str | None = None,
    facts: dict[str, Any] | None = None,
) -> Turn:
    """Another pending answer to the user's message `question_id`, beside the earlier ones, of
    which the newest may be pending. An Idempotency-Key that meant the answer `instead_of` means
    the new one. `facts` are kept with it.

    SllmError `not_found`; `conflict` when the key means yet another answer by now.
    """
    async with database.write() as connection:
        place = await Appending.to(connection, owner, conversation_id)
        row = await message_of(connection, owner, question_id, place.number)
        question = await whole_message(connection, row)
        turn = await _answered(database, place, row.number, question, Question("", facts=facts))
        if instead_of is not None:
            old = await message_of(connection, owner, instead_of, place.number)
            await idempotency.point_to(connection, owner, old.number, place.added[-1])
        return turn


async def edit(
    database: Database, owner: str, conversation_id: str, message_id: str, content: str
) -> StoredMessage:
    """A sibling of the message with other words and the same pictures; it becomes the current
    message."""
    check_text(content, "content")
    async with database.write() as connection:
        place = await Appending.to(connection, owner, conversation_id)
        message = await message_of(connection, owner, message_id, place.number)
        shown = await images.of_message(connection, owner, message.number)
        sibling = await place.add(message.parent, message.role, content)
        await images.add(connection, owner, place.number, sibling, shown)
        await place.finish()
        return await message_by_number(connection, owner, sibling)


async def _parent(place: Appending, question: Question) -> int | None:
    """The message to continue. One that is not finished would mix two writers' turns."""
    if question.parent_id is not None:
        row = await message_of(place.connection, place.owner, question.parent_id, place.number)
        if question.must_be_current and row.number != place.current:
            raise busy()
    elif question.must_be_current and place.current is not None:
        raise busy()
    elif place.current is not None:
        row = await _continued(place.connection, place.owner, place.current)
    else:
        return None
    if row.status == "pending":
        raise busy()
    place.ids[row.number] = row.id
    return int(row.number)


def busy() -> SllmError:
    """Somebody else is writing to this conversation."""
    return SllmError(
        "conflict", "conversation_busy", param="conversation_id", retry_after=RETRY_SECONDS
    )


async def _continued(connection: AsyncConnection, owner: str, number: int) -> Row[Any]:
    found: Any = await connection.execute(_CONTINUED, {"owner": owner, "number": number})
    row: Row[Any] = found.one()
    return row


async def _answered(
    database: Database, place: Appending, number: int, asked: StoredMessage, question: Question
) -> Turn:
    """The turn with its pending answer to `asked`, which this process has promised to finish."""
    place.ids[number] = asked.id
    answer = await place.add(number, "assistant", "", writer=database.presence.writer)
    if question.facts is not None:
        await responses.add(place.connection, place.owner, answer, question.facts)
    await place.finish(question.setup, question.name)
    return Turn(place.id, asked, place.written[answer])
