"""Which pictures a conversation's messages show; the pixels are files (`app.images.store`)."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database.records import StoredImage
from app.database.session import Database
from app.database.tables import images
from app.database.texts import check_text, new_id, now
from app.domain.errors import SllmError

# What a row says of a picture, under the names of StoredImage.
FACTS = (
    "id", "sha256", "width", "height", "media_type", "tokens", "filename", "ocr",
    "lens_keywords", "lens_local_keywords",
)  # fmt: skip
TEXTS = ("filename", "ocr", "lens_keywords", "lens_local_keywords")
Shown = dict[int, tuple[StoredImage, ...]]

_MINE = (
    select(images)
    .where(images.c.owner + "" == bindparam("owner"))  # not by the owner's index
    .order_by(images.c.message, images.c.place)
)
_OF_CONVERSATION = _MINE.where(images.c.conversation == bindparam("number"))
_OF_MESSAGE = _MINE.where(images.c.message == bindparam("number"))


async def add(
    connection: AsyncConnection,
    owner: str,
    conversation: int,
    message: int,
    pictures: Sequence[StoredImage],
) -> tuple[StoredImage, ...]:
    """Under new ids: two messages never share a row. SllmError `invalid_parameter`."""
    rows = [
        {name: getattr(picture, name) for name in FACTS}
        | {
            "id": new_id("img"), "owner": owner, "conversation": conversation,
            "message": message, "place": place, "created_at": now(),
        }
        for place, picture in enumerate(pictures)
    ]  # fmt: skip
    for row in rows:
        for name in TEXTS:
            check_text(row[name], f"images.{name}")
    if rows:
        await connection.execute(images.insert(), rows)
    return tuple(StoredImage(**{name: row[name] for name in FACTS}) for row in rows)


async def of_conversation(connection: AsyncConnection, owner: str, conversation: int) -> Shown:
    """The pictures of all its messages, by the message's number."""
    return await _shown(connection, owner, _OF_CONVERSATION, conversation)


async def of_message(
    connection: AsyncConnection, owner: str, message: int
) -> tuple[StoredImage, ...]:
    """The pictures of the message with this number, in their order."""
    return (await _shown(connection, owner, _OF_MESSAGE, message)).get(message, ())


async def _shown(
    connection: AsyncConnection, owner: str, statement: Select[Any], number: int
) -> Shown:
    shown: Shown = {}
    for row in await connection.execute(statement, {"owner": owner, "number": number}):
        shown[row.message] = (*shown.get(row.message, ()), _as_image(row))
    return shown


async def get(database: Database, owner: str, id_: str) -> StoredImage:
    """One picture. SllmError `not_found`, for another owner's as for none."""
    found = select(images).where(images.c.owner == owner, images.c.id == id_)
    async with database.read() as connection:
        row = (await connection.execute(found)).one_or_none()
    if row is None:
        raise SllmError("not_found", "image_not_found", param="images")
    return _as_image(row)


async def used(database: Database, hashes: Sequence[str]) -> set[str]:
    """Those of `hashes` that a message of anybody shows."""
    found = select(images.c.sha256).where(images.c.sha256.in_(hashes)).distinct()
    async with database.read() as connection:
        return set((await connection.execute(found)).scalars())


async def hashes_of(
    connection: AsyncConnection, owner: str, conversations: Iterable[int]
) -> frozenset[str]:
    """What the messages of these conversations show."""
    found = select(images.c.sha256).where(
        images.c.owner + "" == owner, images.c.conversation.in_(list(conversations))
    )
    return frozenset((await connection.execute(found)).scalars())


def _as_image(row: Row[Any]) -> StoredImage:
    return StoredImage(**{name: getattr(row, name) for name in FACTS})
