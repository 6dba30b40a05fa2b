"""The same Idempotency-Key twice is one turn: which request each key belongs to."""

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database.lookup import message_by_number
from app.database.records import Question, Turn
from app.database.session import Database
from app.database.tables import conversations, idempotency, messages
from app.database.texts import now
from app.domain.errors import SllmError


async def claim(connection: AsyncConnection, owner: str, question: Question) -> Turn | None:
    """The turn that an earlier request stored under this key; None when this one is the first.

    SllmError `conflict` when that request was another one.
    """
    if question.idempotency_key is None:
        return None
    if connection.dialect.name == "postgresql":
        # Two first requests at once: the second waits here until the first has committed.
        name = f"{owner}\n{question.idempotency_key}"
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    return await find(connection, owner, question)


async def find(connection: AsyncConnection, owner: str, question: Question) -> Turn | None:
    """The turn of this key, if there is one. SllmError `conflict`."""
    found = (
        select(idempotency, conversations.c.id, messages.c.parent)
        .join(conversations, conversations.c.number == idempotency.c.conversation)
        .join(messages, messages.c.number == idempotency.c.answer)
        .where(idempotency.c.owner == owner, idempotency.c.key == question.idempotency_key)
    )
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        return None
    if row.request_hash != question.request_hash:
        raise SllmError("conflict", "idempotency_key_reused", param="Idempotency-Key")
    return Turn(
        row.id,
        await message_by_number(connection, owner, row.parent),
        await message_by_number(connection, owner, row.answer),
        repeated=True,
        result=msgspec.json.decode(row.result, type=dict) if row.result else None,
    )


async def remember(
    connection: AsyncConnection, owner: str, question: Question, conversation: int, answer: int
) -> None:
    """From now on this key means this turn."""
    if question.idempotency_key is not None:
        row = {
            "owner": owner, "key": question.idempotency_key, "conversation": conversation,
            "request_hash": question.request_hash, "answer": answer, "created_at": now(),
        }  # fmt: skip
        await connection.execute(idempotency.insert(), row)


async def point_to(connection: AsyncConnection, owner: str, old: int, new: int) -> None:
    """The key that meant the answer `old` means `new`. SllmError `conflict` if it does not."""
    changed = await connection.execute(
        update(idempotency)
        .where(idempotency.c.owner == owner, idempotency.c.answer == old)
        .values(answer=new, result=None)
    )
    if changed.rowcount != 1:
        raise SllmError("conflict", "conversation_busy", param="Idempotency-Key", retry_after=1)


async def forget(database: Database, older_than_seconds: int) -> None:
    """Drop keys that nobody will repeat any more, of every owner."""
    before = now() - older_than_seconds * 1_000_000
    async with database.write() as connection:
        await connection.execute(delete(idempotency).where(idempotency.c.created_at < before))
