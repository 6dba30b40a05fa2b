"""What becomes of a pending answer: finished, kept as far as it came, or left by a dead process."""

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import responses, search
from app.database.lookup import message_by_number, message_of
from app.database.records import Answer, StoredMessage
from app.database.rows import to_json
from app.database.session import Database
from app.database.tables import conversations, idempotency, messages
from app.database.texts import check_text, now
from app.domain.errors import SllmError
from app.domain.parts import Parts

RECOVERED_AT_ONCE = 100


async def settle(database: Database, owner: str, message_id: str, answer: Answer) -> StoredMessage:
    """Store how an answer ended; on disk when this returns.

    SllmError `not_found` (the conversation is gone), `conflict` (it has ended already).
    """
    check_text(answer.content, "content")
    values = {
        "content": answer.content, "status": answer.status, "writer": None,
        "finish_reason": answer.finish_reason, "usage": to_json(answer.usage),
        "timings": to_json(answer.timings), "parts": to_json(answer.parts),
    }  # fmt: skip
    async with database.write() as connection:
        row = await _unsettled(connection, owner, message_id)
        await _store(connection, row, values)
        if answer.result is not None:
            await connection.execute(
                update(idempotency)
                .where(idempotency.c.owner == owner, idempotency.c.answer == row.number)
                .values(result=to_json(answer.result))
            )
        if answer.facts:
            await responses.change(connection, owner, row.number, answer.facts)
        return await message_by_number(connection, owner, row.number)


async def save_progress(
    database: Database, owner: str, message_id: str, content: str, parts: Parts | None = None
) -> None:
    """Keep what there is of a pending answer, should this process die. SllmError as `settle`."""
    check_text(content, "content")
    async with database.write() as connection:
        row = await _unsettled(connection, owner, message_id)
        await connection.execute(
            update(messages)
            .where(messages.c.owner == owner, messages.c.number == row.number)
            .values(content=content, parts=to_json(parts))
        )


async def _unsettled(connection: AsyncConnection, owner: str, message_id: str) -> Row[Any]:
    row = await message_of(connection, owner, message_id)
    if row.status != "pending":
        raise SllmError("conflict", param="message_id")
    return row


async def _store(connection: AsyncConnection, row: Row[Any], values: dict[str, Any]) -> None:
    """End a pending message. Its status is asked for again: another worker may have been first."""
    ended = await connection.execute(
        update(messages)
        .where(
            messages.c.owner == row.owner,
            messages.c.number == row.number,
            messages.c.status == "pending",
        )
        .values(**values)
    )
    if ended.rowcount != 1:
        raise SllmError("conflict", param="message_id")
    await search.add(connection, row.owner, {row.number: values["content"]})
    await connection.execute(
        update(conversations)
        .where(conversations.c.owner == row.owner, conversations.c.number == row.conversation)
        .values(updated_at=now())
    )


async def recover(database: Database) -> int:
    """Mark what dead processes were writing as `interrupted`; returns how many messages.

    Called at start, and whenever a worker of this server has died.
    """
    writers = select(messages.c.writer).where(messages.c.writer.is_not(None)).distinct()
    async with database.read() as connection:
        known = (await connection.execute(writers)).scalars().all()
    recovered = 0
    for writer in known:
        if writer is not None and not await database.presence.is_alive(writer):
            recovered += await _interrupt(database, writer)
    return recovered


async def _interrupt(database: Database, writer: str) -> int:
    some = select(messages).where(messages.c.writer == writer).limit(RECOVERED_AT_ONCE)
    interrupted = 0
    while True:
        async with database.write() as connection:
            rows = (await connection.execute(some.with_for_update(skip_locked=True))).all()
            for row in rows:
                ending = {"content": row.content, "status": "interrupted", "writer": None}
                await _store(connection, row, ending)
        interrupted += len(rows)
        if len(rows) < RECOVERED_AT_ONCE:
            return interrupted
