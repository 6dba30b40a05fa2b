"""Items of a request on their way in: read, their pictures taken, and then kept. No URLs here."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import Request

from app.database.records import NewMessage
from app.images.store import Lease
from app.openai.ids import item_id_of
from app.openai.inputs import grouped, said_of
from app.openai.models.items import AnyItem, ReferenceItem
from app.openai.services.answers import naming
from app.openai.services.intake import Intake, Said
from app.streaming import unless_gone
from app.v5.vision_route import Blobs


class ItemCall:
    """`field` is where the client wrote the items."""

    def __init__(self, request: Request, intake: Intake) -> None:
        self._request = request
        self._intake = intake

    @asynccontextmanager
    async def reading(self, field: str) -> AsyncIterator[Lease]:
        """While items are read and kept, or answered; errors name `field`."""
        with naming(field):
            async with self._intake.leased() as lease:
                yield lease

    async def new(self, given: Sequence[AnyItem] | None, lease: Lease) -> tuple[NewMessage, ...]:
        """Items that are ready to be kept. A client that goes away ends that."""
        async with unless_gone(self._request):
            return await self.taken(await self.said(given, lease, "items"), lease)

    async def said(
        self, given: str | Sequence[AnyItem] | None, lease: Lease, param: str
    ) -> tuple[Said, ...]:
        """The items as messages. Raises SllmError, also for references to nothing."""
        if isinstance(given, str):
            return (Said(NewMessage("user", given)),)
        said = []
        for item in given or ():
            if isinstance(item, ReferenceItem):
                found = await self._intake.referenced(item_id_of(item.id, param), lease)
                said.append(Said(found))
            else:
                said.append(said_of(item, self._blobs))
        return grouped(said)

    async def taken(self, said: Sequence[Said], lease: Lease) -> tuple[NewMessage, ...]:
        """With their pictures; what the body held of them is let go."""
        new = await self._intake.taken(said, lease)
        self._blobs.free()
        return new

    @property
    def _blobs(self) -> Blobs:
        blobs: Blobs = self._request.state.blobs
        return blobs
