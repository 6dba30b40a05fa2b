"""Whole conversations out of the database and into it, one at a time."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import conversations as whole
from app.database import images, search
from app.database.lookup import conversation_of, setup_of, whole_messages
from app.database.records import NewConversation, StoredMessage, Tree
from app.database.rows import (
    as_conversation,
    conversation_rows,
    message_rows,
    to_json,
)
from app.database.session import Database
from app.database.tables import MAX_SEQ, conversations, messages, number_of
from app.database.texts import as_number, check_text, new_id, now
from app.domain.errors import SllmError


async def export_one(database: Database, owner: str, id_: str) -> Tree:
    """A conversation with all its branches. SllmError `not_found`."""
    async with database.read() as connection:
        row = await conversation_of(connection, owner, id_)
        return await _tree(connection, owner, row)


async def export_all(database: Database, owner: str) -> AsyncGenerator[Tree, None]:
    """Every conversation, oldest first. Holds one of them in memory, and no transaction between
    two of them: what is changed meanwhile is exported as it is when its turn comes, what is
    begun meanwhile is not."""
    newest = select(func.max(conversations.c.number)).where(conversations.c.owner == owner)
    async with database.read() as connection:
        end = (await connection.execute(newest)).scalar_one() or 0
    last = 0
    while True:
        following = (
            conversation_rows()
            .where(
                conversations.c.owner == owner,
                conversations.c.number > last,
                conversations.c.number <= end,
            )
            .order_by(conversations.c.number)
            .limit(1)
        )
        async with database.read() as connection:
            row = (await connection.execute(following)).one_or_none()
            if row is None:
                return
            last = row.number
            tree = await _tree(connection, owner, row)
        yield tree


async def _tree(connection: AsyncConnection, owner: str, row: Row[Any]) -> Tree:
    found = message_rows().where(messages.c.owner == owner, messages.c.conversation == row.number)
    rows = (await connection.execute(found.order_by(messages.c.number))).all()
    setup = await setup_of(connection, owner, row.number)
    return Tree(as_conversation(row), await whole_messages(connection, rows), setup)


async def import_one(database: Database, owner: str, tree: Tree) -> str:
    """Store a conversation from elsewhere under new ids; returns its id.

    Times are kept, but none before 1970 or still to come. Parents must come before their
    children. A pending message becomes an interrupted one. SllmError `invalid_parameter`,
    `too_large`.
    """
    texts = {seq: message.content for seq, message in enumerate(tree.messages, 1)}
    ready = await asyncio.to_thread(search.entries, database.kind, owner, texts)
    async with database.write() as connection:
        return await store(connection, owner, tree, ready)


async def store(
    connection: AsyncConnection,
    owner: str,
    tree: Tree,
    ready: Mapping[int, search.Entry] = MappingProxyType({}),
) -> str:
    """`import_one` inside a transaction of the caller's; `ready` has index entries by place."""
    if len(tree.messages) > MAX_SEQ:
        raise SllmError("too_large", param="messages")
    source = tree.conversation
    start = NewConversation(source.title, source.metadata, tree.setup)
    number, id_ = await whole.insert(connection, owner, start)
    places = {message.id: seq for seq, message in enumerate(tree.messages, 1)}
    rows = [_row(owner, number, places, message) for message in tree.messages]
    if rows:
        await connection.execute(messages.insert(), rows)
        for row, message in zip(rows, tree.messages, strict=True):
            await images.add(connection, owner, number, row["number"], message.images)
        texts = {row["number"]: row["content"] for row in rows}
        entries = {number_of(number, seq): entry for seq, entry in ready.items()}
        await search.add(connection, owner, texts, entries)
    seq = places.get(source.current_message_id or "", len(rows))
    await connection.execute(
        update(conversations)
        .where(conversations.c.owner == owner, conversations.c.number == number)
        .values(
            created_at=_past(source.created_at),
            updated_at=_past(source.updated_at),
            current=number_of(number, seq) if rows else None,
            message_count=len(rows),
            last_seq=len(rows),
        )
    )
    return id_


def _row(
    owner: str, conversation: int, places: dict[str, int], message: StoredMessage
) -> dict[str, Any]:
    place = places[message.id]
    parent = None if message.parent_id is None else places.get(message.parent_id)
    if message.parent_id is not None and (parent is None or parent >= place):
        raise SllmError("invalid_parameter", param="messages.parent_id")
    return {
        "number": number_of(conversation, place), "conversation": conversation, "owner": owner,
        "id": new_id("msg"),
        "parent": None if parent is None else number_of(conversation, parent),
        "role": message.role, "content": _checked(message),
        "status": "interrupted" if message.status == "pending" else message.status,
        "finish_reason": message.finish_reason, "usage": to_json(message.usage),
        "timings": to_json(message.timings), "created_at": _past(message.created_at),
        "parts": to_json(message.parts),
    }  # fmt: skip


def _checked(message: StoredMessage) -> str:
    """Its content; what it is made of is of the same kind."""
    for text in message.parts.texts() if message.parts else ():
        check_text(text, "messages.parts")
    return check_text(message.content, "messages.content")


def _past(moment: datetime) -> int:
    return min(max(as_number(moment), 0), now())
