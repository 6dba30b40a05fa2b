"""The steps of taking conversations out, and of bringing some in that may be broken."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from app.database import Database, transfer
from app.database.records import StoredImage, StoredMessage, Tree
from app.domain.errors import SllmError
from app.domain.json_entries import entries
from app.images.data import bytes_of
from app.images.decoder import Decoder
from app.images.store import ImageStore, Lease
from app.v4.config import (
    EXPORTED_IMAGES,
    LARGEST_CONVERSATION,
    LARGEST_MESSAGE,
    MOST_IMPORTED,
    MOST_MESSAGES,
)
from app.v4.services.export_formats import Files

# What may be wrong with a picture; the rest of its import goes on.
BAD_IMAGE = frozenset({"invalid_image", "too_large", "unsupported_media_type"})
# How many entries may be of no known kind before the first that is.
MOST_UNKNOWN = 1000


class Entry(Struct, frozen=True):
    """What an entry of an import is: a conversation, or what is wrong with it.

    `known` says that it is of a kind that could be imported; `title` is its own.
    """

    title: str | None = None
    tree: Tree | None = None
    error: SllmError | None = None
    known: bool = True


class Skipped(Struct, frozen=True):
    """An entry that was not imported; `index` is its line or its place in the array, from 1."""

    index: int
    title: str | None
    error: SllmError


class Imported(Struct, frozen=True):
    """The new conversations' ids in the order of the entries, and what is missing."""

    conversations: list[str]
    skipped: list[Skipped]


Read = Callable[[bytes], Entry]


class TransferService:
    """One owner's conversations on their way out and in."""

    def __init__(self, database: Database, store: ImageStore, decoder: Decoder, owner: str) -> None:
        self._database = database
        self._store = store
        self._decoder = decoder
        self._owner = owner

    async def tree(self, id_: str) -> Tree:
        """A conversation with all its branches. SllmError `not_found`."""
        return await transfer.export_one(self._database, self._owner, id_)

    def trees(self) -> AsyncGenerator[Tree, None]:
        """All conversations, one in memory at a time, with no transaction open between two."""
        return transfer.export_all(self._database, self._owner)

    async def files(self, tree: Tree) -> Files:
        """The pictures of `tree` as far as an export may carry them, the first ones first."""
        found: dict[str, str] = {}
        room = EXPORTED_IMAGES
        for image in (image for message in tree.messages for image in message.images):
            size = self._store.size_of(image.sha256)
            if image.sha256 in found or size is None or size > room:
                continue
            room -= size
            data = b"".join([piece async for piece in self._store.read(image.sha256)])
            found[image.sha256] = base64.b64encode(data).decode()
        return found

    async def import_all(self, body: bytes, read: Read) -> Imported:
        """Each entry that is a conversation becomes a new one, by itself: what fails is skipped.

        SllmError when nothing in `body` is a conversation; also when storing fails, with how many
        are `imported` in its details.
        """
        found, done, known = entries(body), Imported([], []), False
        while (following := await asyncio.to_thread(_following, found, read)) is not None:
            index, entry = following
            if index > MOST_IMPORTED:
                entry = Entry(error=SllmError("too_large", "import_too_many", limit=MOST_IMPORTED))
            known = known or entry.known
            if error := await self._stored(entry, done, index):
                done.skipped.append(Skipped(index, entry.title, error))
            if index > MOST_IMPORTED or (not known and len(done.skipped) >= MOST_UNKNOWN):
                break
        if done.skipped and not known:
            raise done.skipped[0].error
        return done

    async def _stored(self, entry: Entry, done: Imported, index: int) -> SllmError | None:
        """Why it was not, if it was not for the entry's sake."""
        error = entry.error or objection(entry.tree)
        if error is not None or entry.tree is None:
            return error
        try:
            async with self._store.leased() as lease:
                tree = await self._with_images(entry.tree, lease)
                done.conversations.append(
                    await transfer.import_one(self._database, self._owner, tree)
                )
        except SllmError as failure:
            if failure.code in BAD_IMAGE:
                return failure
            if failure.code == "invalid_parameter":  # a text that no database can hold
                return SllmError(failure.code, "json_text", field=failure.param)
            failure.details |= {"imported": len(done.conversations), "index": index}
            raise
        return None

    async def _with_images(self, tree: Tree, lease: Lease) -> Tree:
        """Its pictures decoded as any others; those that came without a file are left out."""
        if not tree.files:
            return tree
        messages = [
            replace(message, images=await self._decoded(message, tree, lease))
            for message in tree.messages
        ]
        return replace(tree, messages=tuple(messages), files={})

    async def _decoded(
        self, message: StoredMessage, tree: Tree, lease: Lease
    ) -> tuple[StoredImage, ...]:
        taken = []
        files = tree.files.get(message.id, ()) if message.role == "user" else ()
        for image, file in zip(message.images, files, strict=False):
            if file is not None:
                data = await asyncio.to_thread(bytes_of, file, LARGEST_CONVERSATION)
                found = await self._decoder.decode(data)
                await lease.take(found.sha256, found)
                size = {"width": found.width, "height": found.height, "sha256": found.sha256}
                taken.append(replace(image, **size))
        return tuple(taken)


def _following(found: Iterator[tuple[int, bytes]], read: Read) -> tuple[int, Entry] | None:
    """In a thread: nobody waits for the parsing."""
    following = next(found, None)
    return None if following is None else (following[0], read(following[1]))


def objection(tree: Tree | None) -> SllmError | None:
    """What is too large to go on with."""
    messages = tree.messages if tree else ()
    if len(messages) > MOST_MESSAGES:
        return SllmError("too_large", "import_many_messages", limit=MOST_MESSAGES)
    for message in messages:
        if len(message.content.encode(errors="replace")) > LARGEST_MESSAGE:
            return SllmError("too_large", "import_message_large", limit=LARGEST_MESSAGE)
    return None
