"""Reading the message tree: the branch that counts, or everything."""

from typing import Any

from sqlalchemy import Select, Subquery, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import images
from app.database.lookup import (
    conversation_of,
    message_by_number,
    message_of,
    setup_of,
    whole_message,
    whole_messages,
)
from app.database.records import Conversation, MessagePage, Setup, Snapshot, StoredMessage
from app.database.rows import as_conversation, as_parts, message_rows
from app.database.session import Database
from app.database.tables import messages
from app.domain.errors import SllmError
from app.domain.messages import Message, Picture
from app.domain.parts import silent, spoken

# Of one branch; more than any window holds.
MOST_HISTORY = 10_000


async def get_messages(
    database: Database,
    owner: str,
    conversation_id: str,
    *,
    all_branches: bool = False,
    page: int = 1,
    page_size: int | None = None,
) -> tuple[Conversation, MessagePage, Setup]:
    """A conversation, its current branch or whole tree in the order messages came, its setup.

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
        setup = await setup_of(connection, owner, row.number)
    return as_conversation(row), shown, setup


async def _page(
    connection: AsyncConnection, chosen: Subquery, page: int, page_size: int | None
) -> MessagePage:
    """By number: a parent's is always smaller than its children's, so a path is in order."""
    rows = message_rows().where(messages.c.number.in_(select(chosen.c.number)))
    ordered = rows.order_by(messages.c.number)
    if page_size is None:
        items = await whole_messages(connection, (await connection.execute(ordered)).all())
        return MessagePage(items, len(items))
    total = (await connection.execute(select(func.count()).select_from(chosen))).scalar_one()
    cut = ordered.limit(page_size).offset((page - 1) * page_size)
    items = await whole_messages(connection, (await connection.execute(cut)).all())
    return MessagePage(items, total)


async def snapshot(
    database: Database, owner: str, conversation_id: str, last_id: str | None = None
) -> Snapshot:
    """What the next answer rests on: the branch up to and with `last_id`, or the current one.

    SllmError `not_found`.
    """
    async with database.read() as connection:
        row = await conversation_of(connection, owner, conversation_id)
        setup = await setup_of(connection, owner, row.number)
        if last_id is None and row.current is None:
            return Snapshot(setup, None, "complete", ())
        last = await message_of(connection, owner, last_id or row.current_id, row.number)
        history = await _history(connection, owner, row.number, last.number)
    return Snapshot(setup, last.id, last.status, history)


async def question_of(
    database: Database, owner: str, conversation_id: str, message_id: str
) -> StoredMessage:
    """The user's message that `message_id` is, or answers.

    SllmError `not_found`; `conflict` for an answer without a question.
    """
    async with database.read() as connection:
        conversation = await conversation_of(connection, owner, conversation_id)
        row = await message_of(connection, owner, message_id, conversation.number)
        if row.role == "user":
            return await whole_message(connection, row)
        if row.parent is None:
            raise SllmError("conflict", "answer_without_question", param="message_id")
        return await message_by_number(connection, owner, row.parent)


async def _history(
    connection: AsyncConnection, owner: str, conversation: int, last: int
) -> tuple[Message, ...]:
    path = _path(owner, last)
    found = (
        select(messages.c.number, messages.c.role, messages.c.content, messages.c.parts)
        .where(
            messages.c.number.in_(select(path.c.number)),
            messages.c.status.in_(("complete", "interrupted")),
            or_(messages.c.content != "", messages.c.parts.is_not(None)),
        )
        .order_by(messages.c.number.desc())
        .limit(MOST_HISTORY)
    )
    rows = (await connection.execute(found)).all()
    shown = await images.of_conversation(connection, owner, conversation)

    def pictures(number: int) -> tuple[Picture, ...]:
        return tuple(image.picture() for image in shown.get(number, ()))

    said = (
        spoken(row.role, row.content, pictures(row.number), as_parts(row.parts))
        for row in reversed(rows)
    )
    return tuple(message for message in said if not silent(message))


async def get_message(
    database: Database, owner: str, conversation_id: str, message_id: str
) -> StoredMessage:
    """One message. SllmError `not_found`."""
    async with database.read() as connection:
        conversation = await conversation_of(connection, owner, conversation_id)
        row = await message_of(connection, owner, message_id, conversation.number)
        return await whole_message(connection, row)


def line(owner: str, last: int, most: int | None = None) -> Select[Any]:
    """The messages from the root to `last`, in order; the last ones, if there are more than
    `most`."""
    chosen = _path(owner, last, most)
    rows = message_rows().where(messages.c.number.in_(select(chosen.c.number)))
    return rows.order_by(messages.c.number)


def _path(owner: str, last: int | None, most: int | None = None) -> Subquery:
    """The numbers from `last` up to the root; a limit ends the walk there."""
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
    return select(path.union_all(upwards).c.number).limit(most).subquery()
