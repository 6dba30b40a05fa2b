"""Answers found by their own ids, with the line of messages that led to each, and the facts that
another dialect keeps of them."""

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database.branches import line
from app.database.lookup import message_of, whole_messages
from app.database.records import StoredMessage
from app.database.rows import to_json
from app.database.session import Database
from app.database.tables import conversations, messages, responses
from app.domain.errors import SllmError


class StoredResponse(Struct, frozen=True):
    """An answer, the last of `messages`, which led to it."""

    conversation_id: str
    messages: tuple[StoredMessage, ...]
    facts: dict[str, Any]

    @property
    def answer(self) -> StoredMessage:
        return self.messages[-1]


async def get(
    database: Database, owner: str, message_id: str, most: int | None = None
) -> StoredResponse:
    """With all messages from the root of its tree, or with at most so many.

    SllmError `not_found`, also for a message that is no answer.
    """
    async with database.read() as connection:
        row = await message_of(connection, owner, message_id)
        if row.role != "assistant":
            raise SllmError("not_found", "conversation_not_found")
        id_ = select(conversations.c.id).where(
            conversations.c.owner == owner, conversations.c.number == row.conversation
        )
        rows = (await connection.execute(line(owner, row.number, most))).all()
        return StoredResponse(
            (await connection.execute(id_)).scalar_one(),
            await whole_messages(connection, rows),
            await _facts(connection, owner, row.number),
        )


async def facts_of(database: Database, owner: str, message_id: str) -> dict[str, Any]:
    """What is kept with an answer, at the least nothing. SllmError `not_found`."""
    async with database.read() as connection:
        row = await message_of(connection, owner, message_id)
        return await _facts(connection, owner, row.number)


async def _facts(connection: AsyncConnection, owner: str, number: int) -> dict[str, Any]:
    kept = select(responses.c.facts).where(
        responses.c.owner == owner, responses.c.message == number
    )
    facts = (await connection.execute(kept)).scalar_one_or_none()
    return msgspec.json.decode(facts, type=dict) if facts else {}


async def own(database: Database, owner: str, found: StoredResponse) -> list[str]:
    """The ids of the answer and of the messages that came with its request: `inputs` of them, up
    to the first that something else follows, too."""
    count = found.facts.get("inputs", 1)
    chosen = [found.answer.id]
    async with database.read() as connection:
        for message in reversed(found.messages[:-1][-count:] if count else ()):
            if await _children(connection, owner, message.id) > 1:
                break
            chosen.append(message.id)
    return chosen


async def _children(connection: AsyncConnection, owner: str, message_id: str) -> int:
    parent = await message_of(connection, owner, message_id)
    children = select(func.count()).where(
        messages.c.owner == owner,
        messages.c.conversation == parent.conversation,
        messages.c.parent == parent.number,
    )
    count: int = (await connection.execute(children)).scalar_one()
    return count


async def note(database: Database, owner: str, message_id: str, facts: dict[str, Any]) -> None:
    """Keep `facts` with an answer that has some. SllmError `not_found`."""
    async with database.write() as connection:
        row = await message_of(connection, owner, message_id)
        await change(connection, owner, row.number, facts)


async def add(connection: AsyncConnection, owner: str, message: int, facts: dict[str, Any]) -> None:
    """Of an answer that has none."""
    row = {"message": message, "owner": owner, "facts": to_json(facts)}
    await connection.execute(responses.insert(), row)


async def change(
    connection: AsyncConnection, owner: str, message: int, facts: dict[str, Any]
) -> None:
    """Those that `facts` name, if any are kept of this answer."""
    kept = await _facts(connection, owner, message)
    if kept:
        mine = (responses.c.owner == owner, responses.c.message == message)
        await connection.execute(update(responses).where(*mine).values(facts=to_json(kept | facts)))
