"""Finding one conversation or message of an owner inside a transaction.

Statements are made once: SQLAlchemy takes longer to put one together than SQLite to answer it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Row, Select, Text, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import images
from app.database.records import Setup, StoredMessage
from app.database.rows import as_message, as_setup, conversation_rows, message_rows
from app.database.tables import conversations, messages
from app.database.texts import check_id
from app.domain.errors import SllmError

OWNER, ID = bindparam("owner", type_=Text()), bindparam("id", type_=Text())
NUMBER = bindparam("number", type_=BigInteger())
# In updates, whose own columns are called owner and number.
ITS_OWNER = bindparam("its_owner", type_=Text())
ITS_NUMBER = bindparam("its_number", type_=BigInteger())
_CONVERSATION = conversation_rows().where(conversations.c.owner == OWNER, conversations.c.id == ID)
_LOCKED = (
    select(conversations)
    .where(conversations.c.owner == OWNER, conversations.c.id == ID)
    .with_for_update()
)
_SETUP = select(conversations.c.template, conversations.c.setup).where(
    conversations.c.owner == OWNER, conversations.c.number == NUMBER
)
_MESSAGE = message_rows().where(messages.c.owner == OWNER, messages.c.id == ID)
_MESSAGE_WITHIN = _MESSAGE.where(messages.c.conversation == bindparam("conversation"))
_NUMBERED = message_rows().where(messages.c.owner == OWNER, messages.c.number == NUMBER)


def its(owner: str, number: int) -> dict[str, Any]:
    """Values for ITS_OWNER and ITS_NUMBER."""
    return {"its_owner": owner, "its_number": number}


async def conversation_of(connection: AsyncConnection, owner: str, id_: str) -> Row[Any]:
    """For reading. Raises SllmError `not_found`, also for another owner's."""
    return await one(connection, _CONVERSATION, owner=owner, id=check_id(id_, "conv"))


async def locked_conversation(connection: AsyncConnection, owner: str, id_: str) -> Row[Any]:
    """For writing: nobody else writes to it until this transaction ends."""
    return await one(connection, _LOCKED, owner=owner, id=check_id(id_, "conv"))


async def one(connection: AsyncConnection, statement: Select[Any], **values: Any) -> Row[Any]:
    """Its row. SllmError `not_found` where there is none."""
    row: Row[Any] | None = (await connection.execute(statement, values)).one_or_none()
    if row is None:
        raise SllmError("not_found", "conversation_not_found")
    return row


async def setup_of(connection: AsyncConnection, owner: str, number: int) -> Setup:
    """What the conversation of this number begins with."""
    found = await connection.execute(_SETUP, {"owner": owner, "number": number})
    row: Any = found.one()
    return as_setup(row)


async def message_of(
    connection: AsyncConnection, owner: str, id_: str, conversation: int | None = None
) -> Row[Any]:
    """One message with its parent's id. Raises SllmError `not_found`."""
    values = {"owner": owner, "id": check_id(id_, "msg")}
    if conversation is None:
        return await one(connection, _MESSAGE, **values)
    return await one(connection, _MESSAGE_WITHIN, **values, conversation=conversation)


async def message_by_number(connection: AsyncConnection, owner: str, number: int) -> StoredMessage:
    found = await connection.execute(_NUMBERED, {"owner": owner, "number": number})
    return await whole_message(connection, found.one())


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
