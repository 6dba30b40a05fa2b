"""The steps of reading responses that are kept, cancelling and deleting them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from app.database import Database, deletion, items, responses
from app.database.responses import StoredResponse
from app.domain.errors import SllmError
from app.images.store import ImageStore
from app.provider.caches import ConversationCaches

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 10.0
# Messages that a response is told of with.
NEAREST = 3


@contextmanager
def no_response(field: str | None = None) -> Iterator[None]:
    """Who asked for a response, in `field`, is told that this is what is missing."""
    try:
        yield
    except SllmError as error:
        if error.code == "not_found":
            error.text, error.param = "response_not_found", field
        raise


class Responses:
    """One owner's. Everything raises SllmError `not_found` for others'."""

    def __init__(
        self, database: Database, store: ImageStore, caches: ConversationCaches, owner: str
    ) -> None:
        self._database = database
        self._store = store
        self._caches = caches
        self._owner = owner

    async def get(self, message_id: str) -> StoredResponse:
        """With the question, and the answer before that."""
        with no_response():
            return await responses.get(self._database, self._owner, message_id, NEAREST)

    async def whole(self, message_id: str) -> StoredResponse:
        """With everything that led to it."""
        with no_response():
            return await responses.get(self._database, self._owner, message_id)

    async def is_cancelled(self, message_id: str) -> bool:
        """Whether its client wants it no more, or has deleted it."""
        try:
            found = await responses.facts_of(self._database, self._owner, message_id)
        except SllmError as error:
            return error.code == "not_found"
        return bool(found.get("cancelled"))

    async def cancel(self, message_id: str) -> StoredResponse:
        """Once it has ended, or after a while in which it has not. SllmError `invalid_parameter`
        for one that somebody waits for."""
        found = await self.get(message_id)
        if not found.facts.get("background"):
            raise SllmError("invalid_parameter", "response_not_background")
        if found.answer.status == "pending":
            await responses.note(self._database, self._owner, message_id, {"cancelled": True})
        end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while found.answer.status == "pending" and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(LOOK_SECONDS)
            found = await self.get(message_id)
        return found

    async def remove(self, message_id: str) -> None:
        """The answer, and the items that came with it where no other answer rests on them; the
        conversation too, if it was begun for them and nothing is left."""
        found = await self.whole(message_id)
        conversation_id = found.conversation_id
        own = await responses.own(self._database, self._owner, found)
        left = await self._store.deleting(
            items.remove(self._database, self._owner, conversation_id, own)
        )
        if not left and not found.facts.get("named"):
            await self._store.deleting(
                deletion.remove(self._database, self._owner, conversation_id)
            )
        await self._caches.forget(self._owner, conversation_id)
