"""Reading the message tree: the branch that counts, or everything."""

from sqlalchemy import Subquery, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database.lookup import conversation_of, message_of
from app.database.records import Conversation, MessagePage, StoredMessage
from app.database.rows import as_conversation, as_messages, message_rows
from app.database.session import Database
from app.database.tables import messages
from app.domain.messages import Message


async def get_messages(
    database: Database,
    owner: str,
    conversation_id: str,
    *,
    all_branches: bool = False,
    page: int = 1,
    page_size: int | None = None,
) -> tuple[Conversation, MessagePage]:
    """A conversation with its current branch, or its whole tree, in the order messages came.

    `page` counts from 1; without `page_size` everything is returned. SllmError `not_found`.
    """
    async with database.read() as connection:
        row = await conversation_of(connection, owner, conversation_id)
        if all_branches:
            chosen = (
                select(messages.c.number)
                .where(messages.c.owner == owner, messages.c.conversation == row.number)
                .subquery()
            )
        else:
            chosen = _path(owner, row.current)
        shown = await _page(connection, chosen, page, page_size)
    return as_conversation(row), shown


async def _page(
    connection: AsyncConnection, chosen: Subquery, page: int, page_size: int | None
) -> MessagePage:
    """By number: a parent's is always smaller than its children's, so a path is in order."""
    rows = message_rows().where(messages.c.number.in_(select(chosen.c.number)))
    ordered = rows.order_by(messages.c.number)
    if page_size is None:
        items = as_messages((await connection.execute(ordered)).all())
        return MessagePage(items, len(items))
    total = (await connection.execute(select(func.count()).select_from(chosen))).scalar_one()
    cut = ordered.limit(page_size).offset((page - 1) * page_size)
    return MessagePage(as_messages((await connection.execute(cut)).all()), total)


async def history(
    database: Database, owner: str, conversation_id: str, message_id: str, newest: int
) -> tuple[Message, ...]:
    """What a model is shown: the branch from the root to and with `message_id`.

    At most the `newest` messages of it, pending and failed ones left out. SllmError `not_found`.
    """
    async with database.read() as connection:
        row = await conversation_of(connection, owner, conversation_id)
        last = await message_of(connection, owner, message_id, row.number)
        path = _path(owner, last.number)
        found = (
            select(messages.c.role, messages.c.content)
            .where(
                messages.c.number.in_(select(path.c.number)),
                messages.c.status.in_(("complete", "interrupted")),
            )
            .order_by(messages.c.number.desc())
            .limit(newest)
        )
        rows = (await connection.execute(found)).all()
    return tuple(Message(row.role, row.content) for row in reversed(rows))


async def get_message(
    database: Database, owner: str, conversation_id: str, message_id: str
) -> StoredMessage:
    """One message. SllmError `not_found`."""
    async with database.read() as connection:
        conversation = await conversation_of(connection, owner, conversation_id)
        row = await message_of(connection, owner, message_id, conversation.number)
    return as_messages([row])[0]


def _path(owner: str, last: int | None) -> Subquery:
    """The numbers from `last` up to the root."""
    path = (
        select(messages.c.number, messages.c.parent)
        .where(messages.c.owner == owner, messages.c.number == last)
        .cte("path", recursive=True)
    )
    upwards = (
        select(messages.c.number, messages.c.parent)
        .join(path, messages.c.number == path.c.parent)
        .where(messages.c.owner == owner)
    )
    return select(path.union_all(upwards).c.number).subquery()
