"""Finding one conversation or message of an owner inside a transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import images
from app.database.records import Setup, StoredMessage
from app.database.rows import as_message, as_setup, conversation_rows, message_rows
from app.database.tables import conversations, messages
from app.database.texts import check_id
from app.domain.errors import SllmError


async def conversation_of(connection: AsyncConnection, owner: str, id_: str) -> Row[Any]:
    """For reading. Raises SllmError `not_found`, also for another owner's."""
    found = conversation_rows().where(
        conversations.c.owner == owner, conversations.c.id == check_id(id_, "conv")
    )
    row: Row[Any] | None = (await connection.execute(found)).one_or_none()
    if row is None:
        raise SllmError("not_found", "conversation_not_found")
    return row


async def locked_conversation(connection: AsyncConnection, owner: str, id_: str) -> Row[Any]:
    """For writing: nobody else writes to it until this transaction ends."""
    found = (
        select(conversations)
        .where(conversations.c.owner == owner, conversations.c.id == check_id(id_, "conv"))
        .with_for_update()
    )
    row: Row[Any] | None = (await connection.execute(found)).one_or_none()
    if row is None:
        raise SllmError("not_found", "conversation_not_found")
    return row


async def setup_of(connection: AsyncConnection, owner: str, number: int) -> Setup:
    """What the conversation of this number begins with."""
    found = select(conversations.c.template, conversations.c.setup).where(
        conversations.c.owner == owner, conversations.c.number == number
    )
    row: Any = (await connection.execute(found)).one()
    return as_setup(row)


async def message_of(
    connection: AsyncConnection, owner: str, id_: str, conversation: int | None = None
) -> Row[Any]:
    """One message with its parent's id. Raises SllmError `not_found`."""
    found = message_rows().where(messages.c.owner == owner, messages.c.id == check_id(id_, "msg"))
    if conversation is not None:
        found = found.where(messages.c.conversation == conversation)
    row: Row[Any] | None = (await connection.execute(found)).one_or_none()
    if row is None:
        raise SllmError("not_found", "conversation_not_found")
    return row


async def message_by_number(connection: AsyncConnection, owner: str, number: int) -> StoredMessage:
    found = message_rows().where(messages.c.owner == owner, messages.c.number == number)
    return await whole_message(connection, (await connection.execute(found)).one())


async def whole_message(connection: AsyncConnection, row: Row[Any]) -> StoredMessage:
    """With its pictures; only users bring some."""
    if row.role != "user":
        return as_message(row)
    return as_message(row, await images.of_message(connection, row.owner, row.number))


async def whole_messages(
    connection: AsyncConnection, rows: Sequence[Row[Any]]
) -> tuple[StoredMessage, ...]:
    """Messages of one conversation with their pictures."""
    if not rows:
        return ()
    shown = await images.of_conversation(connection, rows[0].owner, rows[0].conversation)
    return tuple(as_message(row, shown.get(row.number, ())) for row in rows)
