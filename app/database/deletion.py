"""Deleting conversations: nothing is left of them, neither rows nor words in the search index."""

import asyncio
from collections.abc import Collection, Mapping
from itertools import accumulate

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import images, search
from app.database.lookup import conversation_of, locked_conversation
from app.database.session import Database
from app.database.tables import conversations, messages, number_of

# In one transaction; others write between two.
CONVERSATIONS_AT_ONCE = 100
MESSAGES_AT_ONCE = 2000


async def remove(database: Database, owner: str, id_: str) -> tuple[None, frozenset[str]]:
    """Delete with messages, index and idempotency keys; the hashes of the pictures that they
    showed come back. Raises SllmError `not_found`."""
    async with database.read() as connection:
        row = await conversation_of(connection, owner, id_)
    ready = await _index_entries(database, owner, [row.number])
    async with database.write() as connection:
        locked = await locked_conversation(connection, owner, id_)
        shown = await images.hashes_of(connection, owner, [locked.number])
        await _erase(connection, owner, {locked.number: locked.title}, ready)
    await database.forget()
    return None, shown


async def remove_all(database: Database, owner: str) -> tuple[int, frozenset[str]]:
    """Delete every conversation that `owner` has by now; returns how many, and the hashes of the
    pictures in them."""
    newest = select(func.max(conversations.c.number)).where(conversations.c.owner == owner)
    async with database.read() as connection:
        end = (await connection.execute(newest)).scalar_one() or 0
    deleted, shown = 0, frozenset[str]()
    while some := await _some(database, owner, end):
        ready = await _index_entries(database, owner, some)
        chosen = select(conversations.c.number, conversations.c.title).where(
            conversations.c.owner == owner, conversations.c.number.in_(some)
        )
        async with database.write() as connection:
            rows = (await connection.execute(chosen.with_for_update())).all()
            shown |= await images.hashes_of(connection, owner, some)
            await _erase(connection, owner, {row.number: row.title for row in rows}, ready)
        deleted += len(rows)
    if deleted:
        await database.forget()
    return deleted, shown


async def _some(database: Database, owner: str, end: int) -> list[int]:
    """The next ones, as many as a transaction takes."""
    following = (
        select(conversations.c.number, conversations.c.message_count)
        .where(conversations.c.owner == owner, conversations.c.number <= end)
        .order_by(conversations.c.number)
        .limit(CONVERSATIONS_AT_ONCE)
    )
    async with database.read() as connection:
        rows = (await connection.execute(following)).all()
    counts = accumulate(row.message_count for row in rows)
    fitting = [row for row, count in zip(rows, counts, strict=True) if count <= MESSAGES_AT_ONCE]
    return [row.number for row in fitting or rows[:1]]


async def _index_entries(
    database: Database, owner: str, numbers: Collection[int]
) -> dict[int, search.Entry]:
    """Of the messages so far, which do not change any more: nobody waits while they are made."""
    async with database.read() as connection:
        texts = await _indexed(connection, owner, numbers)
    return await asyncio.to_thread(search.entries, database.kind, owner, texts)


async def _indexed(
    connection: AsyncConnection, owner: str, numbers: Collection[int]
) -> dict[int, str]:
    """The messages that the index has, by number."""
    found = select(messages.c.number, messages.c.content).where(
        messages.c.owner == owner,
        messages.c.conversation.in_(list(numbers)),
        messages.c.status != "pending",
    )
    return {message.number: message.content for message in await connection.execute(found)}


async def _erase(
    connection: AsyncConnection,
    owner: str,
    titles: Mapping[int, str],
    ready: Mapping[int, search.Entry],
) -> None:
    """Locked conversations, by number."""
    texts = {number_of(number, 0): title for number, title in titles.items()}
    texts |= await _indexed(connection, owner, titles)
    await search.remove(connection, owner, texts, ready)
    await connection.execute(
        delete(conversations).where(
            conversations.c.owner == owner, conversations.c.number.in_(list(titles))
        )
    )
