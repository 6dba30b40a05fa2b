"""Messages put into a conversation without asking for an answer, and taken out of it."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import images, search
from app.database.appending import Appending, indexed
from app.database.lookup import conversation_of, message_by_number, message_of, whole_message
from app.database.questions import busy
from app.database.records import Conversation, NewConversation, NewMessage, StoredMessage
from app.database.rows import as_conversation, to_json
from app.database.session import Database
from app.database.tables import conversations, idempotency, messages
from app.database.texts import check_text, now
from app.domain.parts import Parts


async def create(
    database: Database, owner: str, start: NewConversation, added: Sequence[NewMessage]
) -> Conversation:
    """A conversation that begins with `added`. SllmError `invalid_parameter`."""
    _check(added)
    ready = await indexed(database, owner, added)
    async with database.write() as connection:
        place = await Appending.to_new(connection, owner, start)
        if added:
            await place.follow(None, added, ready)
            await place.finish()
        return as_conversation(await conversation_of(connection, owner, place.id))


async def append(
    database: Database,
    owner: str,
    conversation_id: str,
    added: Sequence[NewMessage],
    name: str = "",
) -> tuple[StoredMessage, ...]:
    """After the current message. `name` becomes the title where there is none. SllmError
    `not_found`; `conflict` while the current message is being written; `too_large`."""
    _check(added)
    ready = await indexed(database, owner, added)
    async with database.write() as connection:
        place = await Appending.to(connection, owner, conversation_id)
        if place.current is not None:
            current = await message_by_number(connection, owner, place.current)
            if current.status == "pending":
                raise busy()
        await place.follow(place.current, added, ready)
        await place.finish(name=name)
        return tuple([await message_by_number(connection, owner, number) for number in place.added])


def _check(added: Sequence[NewMessage]) -> None:
    for message in added:
        check_text(message.content, "items")
        for text in message.parts.texts() if message.parts else ():
            check_text(text, "items")


async def copy_of(database: Database, owner: str, message_id: str) -> NewMessage:
    """A message, to be put somewhere else as well. SllmError `not_found`."""
    async with database.read() as connection:
        row = await message_of(connection, owner, message_id)
        message = await whole_message(connection, row)
    return NewMessage(message.role, message.content, message.images, message.parts)


async def strip(
    database: Database, owner: str, conversation_id: str, message_id: str, parts: Parts
) -> None:
    """Leave only `parts` of a message. SllmError `not_found`, `conflict`."""
    async with database.write() as connection:
        place = await Appending.to(connection, owner, conversation_id)
        row = await message_of(connection, owner, message_id, place.number)
        if row.status == "pending":
            raise busy()
        await search.remove(connection, owner, {row.number: row.content})
        await search.add(connection, owner, {row.number: parts.shown})
        await connection.execute(
            update(messages)
            .where(messages.c.owner == owner, messages.c.number == row.number)
            .values(content=parts.shown, parts=to_json(parts))
        )
        await _forget_replies(connection, owner, place.number, row.number)
        await _settle(connection, owner, place, None)


async def remove(
    database: Database, owner: str, conversation_id: str, chosen: Sequence[str]
) -> tuple[int, frozenset[str]]:
    """Take messages out; what followed one follows what it followed. How many are left, and the
    hashes of the pictures that are gone. SllmError `not_found`; `conflict` for one that is being
    written."""
    hashes: set[str] = set()
    async with database.write() as connection:
        place = await Appending.to(connection, owner, conversation_id)
        for message_id in chosen:
            hashes |= await _take_out(connection, owner, place, message_id)
        left = select(func.count()).where(
            messages.c.owner == owner, messages.c.conversation == place.number
        )
        count: int = (await connection.execute(left)).scalar_one()
        await _settle(connection, owner, place, count)
    await database.forget()
    return count, frozenset(hashes)


async def _take_out(
    connection: AsyncConnection, owner: str, place: Appending, message_id: str
) -> set[str]:
    row = await message_of(connection, owner, message_id, place.number)
    if row.status == "pending":
        raise busy()
    shown = await images.of_message(connection, owner, row.number)
    await search.remove(connection, owner, {row.number: row.content})
    await _forget_replies(connection, owner, place.number, row.number)
    within = (messages.c.owner == owner, messages.c.conversation == place.number)
    await connection.execute(
        update(messages).where(*within, messages.c.parent == row.number).values(parent=row.parent)
    )
    await connection.execute(delete(messages).where(*within, messages.c.number == row.number))
    if place.current == row.number:
        newest = select(func.max(messages.c.number)).where(*within)
        place.current = row.parent or (await connection.execute(newest)).scalar_one()
    return {image.sha256 for image in shown}


async def _forget_replies(
    connection: AsyncConnection, owner: str, conversation: int, number: int
) -> None:
    """Keys of requests whose answer this is, or whose question: repeated, they ask anew."""
    answers = select(messages.c.number).where(
        messages.c.owner == owner,
        messages.c.conversation == conversation,
        (messages.c.number == number) | (messages.c.parent == number),
    )
    await connection.execute(
        delete(idempotency).where(idempotency.c.owner == owner, idempotency.c.answer.in_(answers))
    )


async def _settle(
    connection: AsyncConnection, owner: str, place: Appending, count: int | None
) -> None:
    changed = {} if count is None else {"message_count": count, "current": place.current}
    await connection.execute(
        update(conversations)
        .where(conversations.c.owner == owner, conversations.c.number == place.number)
        .values(updated_at=now(), **changed)
    )
