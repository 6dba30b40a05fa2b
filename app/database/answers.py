"""What becomes of a pending answer: finished, kept as far as it came, or left by a dead process."""

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import responses, search
from app.database.lookup import ID, ITS_NUMBER, ITS_OWNER, OWNER, its, one
from app.database.records import Answer
from app.database.rows import to_json
from app.database.session import Database
from app.database.tables import conversations, idempotency, messages
from app.database.texts import check_id, check_text, now
from app.domain.errors import SllmError
from app.domain.parts import Parts

RECOVERED_AT_ONCE = 100

# Made once, as those of `lookup`: every answer takes them.
_PLACE = select(
    messages.c.number, messages.c.owner, messages.c.conversation, messages.c.status
).where(messages.c.owner == OWNER, messages.c.id == ID)
_WRITTEN = update(messages).where(messages.c.owner == ITS_OWNER, messages.c.number == ITS_NUMBER)
_ENDED = _WRITTEN.where(messages.c.status == "pending")
_MOVED = update(conversations).where(
    conversations.c.owner == ITS_OWNER, conversations.c.number == ITS_NUMBER
)
_REPLIED = update(idempotency).where(
    idempotency.c.owner == ITS_OWNER, idempotency.c.answer == ITS_NUMBER
)


async def settle(database: Database, owner: str, message_id: str, answer: Answer) -> None:
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
            result = {"result": to_json(answer.result)}
            await connection.execute(_REPLIED, its(owner, row.number) | result)
        if answer.facts:
            await responses.change(connection, owner, row.number, answer.facts)


async def save_progress(
    database: Database, owner: str, message_id: str, content: str, parts: Parts | None = None
) -> None:
    """Keep what there is of a pending answer, should this process die. SllmError as `settle`."""
    check_text(content, "content")
    async with database.write() as connection:
        row = await _unsettled(connection, owner, message_id)
        kept = {"content": content, "parts": to_json(parts)}
        await connection.execute(_WRITTEN, its(owner, row.number) | kept)


async def _unsettled(connection: AsyncConnection, owner: str, message_id: str) -> Row[Any]:
    row = await one(connection, _PLACE, owner=owner, id=check_id(message_id, "msg"))
    if row.status != "pending":
        raise SllmError("conflict", param="message_id")
    return row


async def _store(connection: AsyncConnection, row: Row[Any], values: dict[str, Any]) -> None:
    """End a pending message. Its status is asked for again: another worker may have been first."""
    ended = await connection.execute(_ENDED, its(row.owner, row.number) | values)
    if ended.rowcount != 1:
        raise SllmError("conflict", param="message_id")
    await search.add(connection, row.owner, {row.number: values["content"]})
    moved = {"updated_at": now()}
    await connection.execute(_MOVED, its(row.owner, row.conversation) | moved)


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
