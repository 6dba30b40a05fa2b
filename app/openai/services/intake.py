"""The steps of taking items in: their pictures, and items that are kept already."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from msgspec import Struct
from msgspec.structs import replace

from app.database import Database, items
from app.database.records import NewMessage
from app.images.store import ImageStore, Lease
from app.openai.ids import ItemId
from app.openai.services.parted import part_of
from app.v5.services.vision_service import Brought, VisionService, check_number


class Said(Struct, frozen=True):
    """A message before its pictures are taken in."""

    message: NewMessage
    pictures: tuple[Brought, ...] = ()


class Intake:
    """One owner's items on their way in. Everything raises SllmError."""

    def __init__(
        self,
        database: Database,
        eyes: VisionService,
        store: ImageStore,
        owner: str,
        most_images: int,
    ) -> None:
        self._database = database
        self._eyes = eyes
        self._store = store
        self._owner = owner
        self._most_images = most_images

    def leased(self) -> AbstractAsyncContextManager[Lease]:
        """For pictures that are on their way to being kept."""
        return self._store.leased()

    async def taken(self, said: Sequence[Said], lease: Lease) -> tuple[NewMessage, ...]:
        """With their pictures, which are kept while `lease` lasts."""
        new = []
        for each in said:
            check_number(each.pictures, self._most_images)
            images = [await self._eyes.take(picture, lease) for picture in each.pictures]
            new.append(replace(each.message, images=(*each.message.images, *images)))
        return tuple(new)

    async def referenced(self, item: ItemId, lease: Lease) -> NewMessage:
        """A kept item, to be said again. SllmError `not_found`."""
        found = await items.copy_of(self._database, self._owner, item.message_id)
        for image in found.images:
            await lease.take(image.sha256)
        return part_of(found, item)
