"""One v5 chat request on its way: its images taken in, then v4's turn. No URLs here."""

from typing import Annotated

from fastapi import Depends, Request

from app.database.records import Turn
from app.dependencies import SettingsDep
from app.images.store import ImageStore
from app.streaming import EventStream, unless_gone
from app.v4.dependencies import ImageStoreDep
from app.v4.models.chat import ConversationChatResponse
from app.v4.services.chat_service import StoredChat
from app.v4.turns import TurnCall
from app.v5.dependencies import SeeingCallDep, VisionModelDep, VisionServiceDep
from app.v5.models.vision import ImageSource, VisionChatRequest
from app.v5.services.vision_service import Brought, VisionService, check_number
from app.v5.vision_route import Blobs


class ImageTurns:
    """Turns that bring images, which are kept before anything says that they are."""

    def __init__(
        self,
        request: Request,
        turns: TurnCall,
        service: VisionService,
        store: ImageStore,
        most_images: int,
    ) -> None:
        self._request = request
        self._turns = turns
        self._service = service
        self._store = store
        self._most_images = most_images

    async def ask(self, body: VisionChatRequest, key: str | None) -> StoredChat | Turn:
        """Raises SllmError before anything is stored; what was kept until then goes again."""
        blobs: Blobs = self._request.state.blobs
        check_number(body.images or (), self._most_images)
        async with self._store.leased() as lease:
            async with unless_gone(self._request):
                images = tuple(
                    [
                        await self._service.take(await _brought(source, blobs), lease)
                        for source in body.images or ()
                    ]
                )
            blobs.free()
            return await self._turns.ask(body, key, images)

    async def answer(self, asked: StoredChat | Turn) -> ConversationChatResponse:
        """The whole answer, stored."""
        return await self._turns.answer(asked)

    def stream(self, asked: StoredChat | Turn) -> EventStream:
        """The answer's events."""
        return self._turns.stream(asked)


async def _brought(source: ImageSource, blobs: Blobs) -> Brought:
    about = source.model_dump(exclude={"data", "url", "id"}, exclude_unset=True)
    data = None if source.data is None else await blobs.take(source.data)
    return Brought(data, source.url, source.id, about)


async def get_image_turns(
    request: Request,
    model: VisionModelDep,
    turns: SeeingCallDep,
    service: VisionServiceDep,
    store: ImageStoreDep,
    settings: SettingsDep,
) -> ImageTurns:
    """Raises SllmError where there is no model that sees: nothing is decoded for none."""
    await model.info()
    return ImageTurns(request, turns, service, store, settings.max_images)


ImageTurnsDep = Annotated[ImageTurns, Depends(get_image_turns)]
