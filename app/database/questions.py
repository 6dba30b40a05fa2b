"""Turns: a question and the place for its answer, stored together in one transaction."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import idempotency
from app.database.appending import Appending
from app.database.lookup import message_by_number, message_of
from app.database.records import Question, StoredMessage, Turn
from app.database.session import Database
from app.database.tables import messages
from app.database.texts import check_text
from app.domain.errors import SllmError

RETRY_SECONDS = 1


async def ask(database: Database, owner: str, question: Question) -> Turn:
    """Store a question and a pending answer to it, in a new conversation or an old one.

    SllmError: `not_found` (conversation or parent), `conflict` (the message to continue is still
    being written, or the idempotency key belongs to another request), `too_large`.
    """
    check_text(question.content, "message")
    check_text(question.idempotency_key or "", "Idempotency-Key")
    async with database.write() as connection:
        earlier = await idempotency.claim(connection, owner, question)
        if earlier is not None:
            return earlier
        if question.conversation_id is None:
            place = await Appending.to_new(connection, owner, question.start)
            parent = None
        else:
            place = await Appending.to(connection, owner, question.conversation_id)
            parent = await _parent(place, question.parent_id)
        asked = await place.add(parent, "user", question.content)
        turn = await _answered(database, place, asked)
        await idempotency.remember(connection, owner, question, place.number, place.added[-1])
        return turn


async def ask_again(database: Database, owner: str, conversation_id: str, message_id: str) -> Turn:
    """Regenerate: another pending answer to the same question, beside the earlier ones.

    `message_id` names the question or one of its answers; the newest message may be pending.
    SllmError `not_found`; `conflict` for an answer without a question.
    """
    async with database.write() as connection:
        place = await Appending.to(connection, owner, conversation_id)
        message = await message_of(connection, owner, message_id, place.number)
        question = message.number if message.role == "user" else message.parent
        if question is None:
            raise SllmError("conflict", param="message_id")
        return await _answered(database, place, question)


async def edit(
    database: Database, owner: str, conversation_id: str, message_id: str, content: str
) -> StoredMessage:
    """A sibling of the message with other words; it becomes the current message."""
    check_text(content, "content")
    async with database.write() as connection:
        place = await Appending.to(connection, owner, conversation_id)
        message = await message_of(connection, owner, message_id, place.number)
        sibling = await place.add(message.parent, message.role, content)
        await place.finish()
        return await message_by_number(connection, owner, sibling)


async def _parent(place: Appending, parent_id: str | None) -> int | None:
    """The message to continue. One that is not finished would mix two writers' turns."""
    if parent_id is not None:
        row = await message_of(place.connection, place.owner, parent_id, place.number)
        number, status = row.number, row.status
    elif place.current is not None:
        number, status = place.current, await _status(place.connection, place.owner, place.current)
    else:
        return None
    if status == "pending":
        raise SllmError("conflict", param="parent_id", retry_after=RETRY_SECONDS)
    return int(number)


async def _status(connection: AsyncConnection, owner: str, number: int) -> str:
    found = select(messages.c.status).where(messages.c.owner == owner, messages.c.number == number)
    status: str = (await connection.execute(found)).scalar_one()
    return status


async def _answered(database: Database, place: Appending, question: int) -> Turn:
    """The turn with its pending answer, which this process has promised to finish."""
    answer = await place.add(question, "assistant", "", writer=database.presence.writer)
    await place.finish()
    return Turn(
        place.id,
        await message_by_number(place.connection, place.owner, question),
        await message_by_number(place.connection, place.owner, answer),
    )
