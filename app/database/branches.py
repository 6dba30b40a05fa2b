"""Reading the message tree: the branch that counts, or everything."""

from typing import Any

from sqlalchemy import BindParameter, Row, Select, Subquery, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import images
from app.database.lookup import (
    ID,
    NUMBER,
    OWNER,
    conversation_of,
    message_by_number,
    message_of,
    one,
    setup_of,
    whole_message,
    whole_messages,
)
from app.database.records import Conversation, MessagePage, Setup, Snapshot, StoredMessage
from app.database.rows import as_conversation, as_parts, as_setup, message_rows
from app.database.session import Database
from app.database.tables import conversations, messages
from app.database.tables import images as pictures
from app.database.texts import check_id
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
    values = {"owner": owner, "id": check_id(conversation_id, "conv")}
    async with database.read() as connection:
        if last_id is None:
            place = await one(connection, _CURRENT, **values)
        else:
            place = await one(connection, _GIVEN, **values, last=check_id(last_id, "msg"))
        setup = as_setup(place)
        if place.last is None:
            return Snapshot(setup, None, "complete", ())
        history = await _history(connection, owner, place)
    return Snapshot(setup, place.last_id, place.status, history)


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


async def _history(connection: AsyncConnection, owner: str, place: Row[Any]) -> tuple[Message, ...]:
    found = await connection.execute(_HISTORY, {"owner": owner, "number": place.last})
    rows = found.all()
    shown: images.Shown = {}
    if place.pictured:
        shown = await images.of_conversation(connection, owner, place.conversation)

    def seen(number: int) -> tuple[Picture, ...]:
        return tuple(image.picture() for image in shown.get(number, ()))

    said = (
        spoken(row.role, row.content, seen(row.number), as_parts(row.parts))
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


def _path(
    owner: str | BindParameter[Any], last: int | BindParameter[Any] | None, most: int | None = None
) -> Subquery:
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


def _place() -> Select[Any]:
    """A conversation of an owner: what it begins with, and whether it shows pictures."""
    pictured = select(pictures.c.id).where(pictures.c.conversation == conversations.c.number)
    return select(
        conversations.c.number.label("conversation"),
        conversations.c.template,
        conversations.c.setup,
        pictured.exists().label("pictured"),
        messages.c.number.label("last"),
        messages.c.id.label("last_id"),
        messages.c.status,
    ).where(conversations.c.owner == OWNER, conversations.c.id == ID)


def _spoken(path: Subquery) -> Select[Any]:
    """What a model is shown of a path, the newest first."""
    return (
        select(messages.c.number, messages.c.role, messages.c.content, messages.c.parts)
        .where(
            messages.c.number.in_(select(path.c.number)),
            messages.c.status.in_(("complete", "interrupted")),
            or_(messages.c.content != "", messages.c.parts.is_not(None)),
        )
        .order_by(messages.c.number.desc())
        .limit(MOST_HISTORY)
    )


# Made once, as those of `lookup`: a turn waits for them.
_CURRENT = _place().select_from(
    conversations.outerjoin(messages, messages.c.number == conversations.c.current)
)
_GIVEN = _place().where(
    messages.c.owner == OWNER,
    messages.c.id == bindparam("last"),
    messages.c.conversation == conversations.c.number,
)
_HISTORY = _spoken(_path(OWNER, NUMBER))
