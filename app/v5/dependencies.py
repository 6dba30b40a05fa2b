"""What v5's routes ask for: the model that sees, its chats, and the images of the caller."""

from typing import Annotated

from fastapi import Depends, Request

from app.chats import ChatCall
from app.dependencies import (
    DatabaseDep,
    LanguageDep,
    OwnerDep,
    RequestMakerDep,
    SettingsDep,
    check_open,
)
from app.images.remote import Fetcher
from app.provider.model_provider import ModelProvider
from app.v1.services.chat_service import ChatService
from app.v3.dependencies import PromptServiceDep
from app.v4.dependencies import AnswerWriterDep, ImageDecoderDep, ImageStoreDep
from app.v4.services.chat_history import ChatHistory
from app.v4.services.chat_service import ConversationChats, StoredChat
from app.v4.turns import TurnCall, TurnCallDep, View
from app.v5.models.vision import ImageSchema, VisionChatResponse
from app.v5.services.vision_service import Sight, VisionService


async def get_vision_model(request: Request) -> ModelProvider:
    """Raises `shutting_down` once the server drains."""
    check_open(request)
    model: ModelProvider = request.app.state.vision_model
    return model


VisionModelDep = Annotated[ModelProvider, Depends(get_vision_model)]


async def get_vision_service(
    decoder: ImageDecoderDep,
    store: ImageStoreDep,
    database: DatabaseDep,
    owner: OwnerDep,
    settings: SettingsDep,
) -> VisionService:
    fetcher = Fetcher(settings.image_url_hosts, settings.max_image_bytes)
    return VisionService(decoder, store, database, owner, fetcher, settings.max_image_bytes)


VisionServiceDep = Annotated[VisionService, Depends(get_vision_service)]


async def get_seeing_call(
    request: Request,
    model: VisionModelDep,
    make: RequestMakerDep,
    settings: SettingsDep,
    language: LanguageDep,
    prompts: PromptServiceDep,
    database: DatabaseDep,
    writer: AnswerWriterDep,
    store: ImageStoreDep,
    owner: OwnerDep,
) -> TurnCall:
    """v4's, with the model that sees."""
    chats = ChatService(model)
    call = ChatCall(request, chats, make, settings, language)
    kept = ConversationChats(chats, database, writer, owner)
    return TurnCall(
        call, kept, prompts, View(Sight(store, owner), VisionChatResponse, _about, b"vision")
    )


def _about(stored: StoredChat) -> dict[str, list[ImageSchema]]:
    return {"images": [ImageSchema.of(image) for image in stored.images]}


SeeingCallDep = Annotated[TurnCall, Depends(get_seeing_call)]


async def get_again_call(
    conversation_id: str,
    message_id: str,
    blind: TurnCallDep,
    seeing: SeeingCallDep,
    database: DatabaseDep,
    owner: OwnerDep,
) -> TurnCall:
    """Whose model answers a question again: that which sees, where there is something to see."""
    history = ChatHistory(database, owner)
    question = await history.question(conversation_id, message_id)
    past = await history.until(conversation_id, question.id)
    return seeing if any(message.images for message in past.history) else blind


AgainCallDep = Annotated[TurnCall, Depends(get_again_call)]
