"""The steps of taking images in: found, decoded, kept, and handed to a message."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from app.database import Database, images
from app.database.records import StoredImage
from app.domain.errors import SllmError
from app.domain.messages import Message, Picture
from app.images.data import bytes_of, too_large
from app.images.decoder import Decoder
from app.images.remote import Fetcher
from app.images.store import ImageStore, Lease


class Brought(Struct, frozen=True):
    """An image as it comes: its bytes, their base64, an address, or the id of one that is kept;
    `about` has its texts under the names of StoredImage."""

    data: bytes | str | None = None
    url: str | None = None
    id: str | None = None
    about: dict[str, str] = {}


class VisionService:
    """One owner's images, and what models are shown of them."""

    def __init__(
        self,
        decoder: Decoder,
        store: ImageStore,
        database: Database,
        owner: str,
        fetcher: Fetcher,
        most_bytes: int,
    ) -> None:
        self._decoder = decoder
        self._store = store
        self._database = database
        self._owner = owner
        self._fetcher = fetcher
        self._most_bytes = most_bytes

    async def take(self, brought: Brought, lease: Lease) -> StoredImage:
        """Decoded, and kept while `lease` lasts. Raises SllmError."""
        if brought.id is not None:
            kept = await images.get(self._database, self._owner, brought.id)
            await lease.take(kept.sha256)
            return replace(kept, **brought.about)
        found = await self._decoder.decode(await self._bytes(brought))
        await lease.take(found.sha256, found)
        kept = StoredImage(found.sha256, found.width, found.height, found.media_type)
        return replace(kept, **brought.about)

    async def _bytes(self, brought: Brought) -> bytes:
        if brought.url is not None:
            return await self._fetcher.fetch(brought.url)
        if isinstance(brought.data, str):
            return await asyncio.to_thread(bytes_of, brought.data, self._most_bytes)
        data = brought.data or b""
        if len(data) > self._most_bytes:
            raise too_large(self._most_bytes)
        return data

    async def read(self, id_: str) -> AsyncGenerator[bytes, None]:
        """The PNG of an image, in pieces. SllmError `not_found`."""
        found = await images.get(self._database, self._owner, id_)
        return self._store.read(found.sha256)


class Sight:
    """Messages as a model that sees is shown them: with the files of their pictures."""

    def __init__(self, store: ImageStore, owner: str) -> None:
        self._store = store
        self._owner = owner

    def __call__(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """SllmError `not_found` where somebody has taken a file away."""
        return tuple(map(self._shown, messages))

    def _shown(self, message: Message) -> Message:
        if not message.images:
            return message
        return replace(message, images=tuple(map(self._found, message.images)))

    def _found(self, picture: Picture) -> Picture:
        self._store.check(picture.sha256)
        return replace(picture, file=str(self._store.path_of(picture.sha256)), owner=self._owner)


def check_number(brought: Sequence[object], most: int) -> None:
    """SllmError `invalid_parameter` for more than a message may bring."""
    if len(brought) > most:
        raise SllmError("invalid_parameter", "images_too_many", param="images", limit=most)
