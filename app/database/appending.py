"""Adding messages to a conversation that this transaction has locked."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import conversations as whole
from app.database import images, search
from app.database.lookup import ITS_NUMBER, ITS_OWNER, its, locked_conversation
from app.database.records import NewConversation, NewMessage, Setup, StoredImage, StoredMessage
from app.database.rows import as_written, setup_columns, to_json
from app.database.session import Database
from app.database.tables import MAX_SEQ, conversations, messages, number_of
from app.database.texts import new_id, now
from app.domain.errors import SllmError
from app.domain.messages import Role
from app.domain.parts import Parts

_ADDED = messages.insert()
_FINISHED = (
    update(conversations)
    .where(conversations.c.owner == ITS_OWNER, conversations.c.number == ITS_NUMBER)
    .values(message_count=conversations.c.message_count + bindparam("more"))
)


async def indexed(
    database: Database, owner: str, added: Sequence[NewMessage]
) -> dict[int, search.Entry]:
    """The index entries of many texts, before the transaction that adds them: nobody waits while
    they are made. One text is quicker than a thread."""
    if len(added) < 2:
        return {}
    texts = {place: message.content for place, message in enumerate(added) if message.content}
    return await asyncio.to_thread(search.entries, database.kind, owner, texts)


@dataclass
class Appending:
    """A locked conversation and its next free place; parents are message numbers. `written` has
    what was added, `ids` also those of what it follows, as far as somebody knew."""

    connection: AsyncConnection
    owner: str
    number: int
    id: str
    current: int | None = None
    last_seq: int = 0
    title: str = ""
    added: list[int] = field(default_factory=list)
    written: dict[int, StoredMessage] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)

    @classmethod
    async def to(cls, connection: AsyncConnection, owner: str, id_: str) -> "Appending":
        """Raises SllmError `not_found`."""
        row = await locked_conversation(connection, owner, id_)
        return cls(connection, owner, row.number, row.id, row.current, row.last_seq, row.title)

    @classmethod
    async def to_new(
        cls, connection: AsyncConnection, owner: str, start: NewConversation
    ) -> "Appending":
        number, id_ = await whole.insert(connection, owner, start)
        return cls(connection, owner, number, id_, title=start.title)

    async def follow(
        self,
        parent: int | None,
        added: Sequence[NewMessage],
        ready: Mapping[int, search.Entry] = MappingProxyType({}),
    ) -> int | None:
        """A line of messages after `parent`; the last one's number. `ready` has index entries by
        place in `added`."""
        rows = []
        for message in added:
            rows.append(self._row(parent, message.role, message.content, message.parts))
            parent = rows[-1]["number"]
        if rows:
            await self.connection.execute(_ADDED, rows)
        for row, message in zip(rows, added, strict=True):
            shown = await images.add(
                self.connection, self.owner, self.number, row["number"], message.images
            )
            self._note(row, shown, message.parts)
        entries = {rows[place]["number"]: entry for place, entry in ready.items()}
        texts = {row["number"]: row["content"] for row in rows}
        await search.add(self.connection, self.owner, texts, entries)
        return parent

    async def add(
        self, parent: int | None, role: Role, content: str, writer: str | None = None
    ) -> int:
        """The new message's number; with a `writer` it is pending, and not yet searchable."""
        row = self._row(parent, role, content)
        if writer is not None:
            row |= {"status": "pending", "writer": writer}
        await self.connection.execute(_ADDED, row)
        self._note(row)
        number: int = row["number"]
        if writer is None:
            await search.add(self.connection, self.owner, {number: content})
        return number

    def _row(
        self, parent: int | None, role: Role, content: str, parts: Parts | None = None
    ) -> dict[str, Any]:
        """In the next free place. SllmError `too_large` where there is none."""
        self.last_seq += 1
        if self.last_seq > MAX_SEQ:
            raise SllmError("too_large", param="conversation_id")
        number = number_of(self.number, self.last_seq)
        self.added.append(number)
        return {
            "number": number, "conversation": self.number, "owner": self.owner,
            "id": new_id("msg"), "parent": parent, "role": role, "content": content,
            "status": "complete", "writer": None, "created_at": now(), "parts": to_json(parts),
        }  # fmt: skip

    def _note(
        self, row: dict[str, Any], shown: tuple[StoredImage, ...] = (), parts: Parts | None = None
    ) -> None:
        number, parent = row["number"], self.ids.get(row["parent"])
        self.ids[number] = row["id"]
        self.written[number] = as_written(row, parent, shown, parts)

    async def finish(self, setup: Setup | None = None, name: str = "") -> None:
        """The last message added becomes the current one; `setup` replaces the old one, `name`
        becomes the title where there is none."""
        changed: dict[str, Any] = {} if setup is None else setup_columns(setup)
        if name and not self.title:
            changed["title"] = name
            await search.add(self.connection, self.owner, {number_of(self.number, 0): name})
        changed |= {"current": self.added[-1], "last_seq": self.last_seq, "updated_at": now()}
        changed |= {**its(self.owner, self.number), "more": len(self.added)}
        await self.connection.execute(_FINISHED, changed)
