"""Rows to records and back: JSON columns, times, ids instead of numbers."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, select

from app.database.records import Conversation, Preview, Setup, StoredImage, StoredMessage
from app.database.tables import conversations, messages, seq_of
from app.database.texts import as_time
from app.domain.generation import Timings, Usage
from app.domain.parts import Parts

PREVIEW_CHARACTERS = 200

current = messages.alias("current_message")
parents = messages.alias("parents")


def to_json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def conversation_rows() -> Select[Any]:
    """Conversations with the id and the beginning of their current message."""
    shown = (column for column in conversations.c if column is not conversations.c.setup)
    return select(
        *shown,
        current.c.id.label("current_id"),
        current.c.role.label("current_role"),
        func.substr(current.c.content, 1, PREVIEW_CHARACTERS).label("preview"),
    ).select_from(conversations.outerjoin(current, current.c.number == conversations.c.current))


def as_conversation(row: Row[Any]) -> Conversation:
    return Conversation(
        id=row.id,
        title=row.title,
        metadata=msgspec.json.decode(row.metadata, type=dict[str, str]),
        template=row.template,
        created_at=as_time(row.created_at),
        updated_at=as_time(row.updated_at),
        current_message_id=row.current_id,
        message_count=row.message_count,
        last_message=None if row.current_id is None else Preview(row.current_role, row.preview),
    )


def setup_columns(setup: Setup) -> dict[str, str | None]:
    """As a conversation's row keeps it; one that says nothing takes no place."""
    told = setup.head or setup.options
    kept = to_json({"head": setup.head, "options": setup.options}) if told else None
    return {"template": setup.template, "setup": kept}


def as_setup(row: Row[Any]) -> Setup:
    """From a row with `template` and `setup`."""
    kept = msgspec.json.decode(row.setup, type=Setup) if row.setup else Setup()
    return Setup(row.template, kept.head, kept.options)


def message_rows() -> Select[Any]:
    """Messages with their parent's id."""
    return select(messages, parents.c.id.label("parent_id")).select_from(
        messages.outerjoin(parents, parents.c.number == messages.c.parent)
    )


def as_message(row: Row[Any], images: tuple[StoredImage, ...] = ()) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        parent_id=row.parent_id,
        role=row.role,
        content=row.content,
        status=row.status,
        created_at=as_time(row.created_at),
        seq=seq_of(row.number),
        finish_reason=row.finish_reason,
        usage=msgspec.json.decode(row.usage, type=Usage) if row.usage else None,
        timings=msgspec.json.decode(row.timings, type=Timings) if row.timings else None,
        images=images,
        parts=as_parts(row.parts),
    )


def as_written(
    row: Mapping[str, Any],
    parent_id: str | None,
    images: tuple[StoredImage, ...],
    parts: Parts | None,
) -> StoredMessage:
    """A message that has just been put in as `row`, without reading it again."""
    return StoredMessage(
        id=row["id"],
        parent_id=parent_id,
        role=row["role"],
        content=row["content"],
        status=row["status"],
        created_at=as_time(row["created_at"]),
        seq=seq_of(row["number"]),
        images=images,
        parts=parts,
    )


def as_parts(kept: str | None) -> Parts | None:
    return msgspec.json.decode(kept, type=Parts) if kept else None


def label_rows(owner: str, conversation: int, metadata: Mapping[str, str]) -> list[dict[str, Any]]:
    """Metadata as the rows it is filtered by."""
    return [
        {"owner": owner, "key": key, "value": value, "conversation": conversation}
        for key, value in metadata.items()
    ]
