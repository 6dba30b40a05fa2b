"""What the routes of responses and conversations ask for."""

from typing import Annotated

from fastapi import Depends, Request
from msgspec.structs import replace

from app.dependencies import (
    DatabaseDep,
    LanguageDep,
    OwnerDep,
    RequestMaker,
    RequestMakerDep,
    SettingsDep,
)
from app.domain.generation import GenerationRequest
from app.domain.messages import Message
from app.domain.options import ContextPolicy, GenerationOptions
from app.openai.background import Background
from app.openai.config import MOST_MESSAGES
from app.openai.dependencies import ModelsDep
from app.openai.item_calls import ItemCall
from app.openai.response_calls import ResponseCall
from app.openai.services.conversations import Conversations
from app.openai.services.intake import Intake
from app.openai.services.kept import KeptAnswers
from app.openai.services.responses import Responses
from app.v4.dependencies import AnswerWriterDep, CachesDep, ImageStoreDep
from app.v5.dependencies import VisionServiceDep


def unlimited(make: RequestMaker) -> RequestMaker:
    """Where nothing may be dropped, only the window is a limit."""

    def made(
        messages: tuple[Message, ...], options: GenerationOptions, policy: ContextPolicy | None
    ) -> GenerationRequest:
        request = make(messages, options, policy)
        return replace(request, max_history=MOST_MESSAGES) if policy == "error" else request

    return made


async def get_item_call(
    request: Request,
    database: DatabaseDep,
    eyes: VisionServiceDep,
    store: ImageStoreDep,
    owner: OwnerDep,
    settings: SettingsDep,
) -> ItemCall:
    return ItemCall(request, Intake(database, eyes, store, owner, settings.max_images))


ItemCallDep = Annotated[ItemCall, Depends(get_item_call)]


async def get_responses(
    database: DatabaseDep, store: ImageStoreDep, caches: CachesDep, owner: OwnerDep
) -> Responses:
    return Responses(database, store, caches, owner)


ResponsesDep = Annotated[Responses, Depends(get_responses)]


async def get_conversations(
    database: DatabaseDep, store: ImageStoreDep, caches: CachesDep, owner: OwnerDep
) -> Conversations:
    return Conversations(database, store, caches, owner)


ConversationsDep = Annotated[Conversations, Depends(get_conversations)]


async def get_kept_answers(
    models: ModelsDep,
    store: ImageStoreDep,
    database: DatabaseDep,
    writer: AnswerWriterDep,
    owner: OwnerDep,
    make: RequestMakerDep,
) -> KeptAnswers:
    return KeptAnswers(models, store, database, writer, owner, unlimited(make))


async def get_response_call(
    request: Request,
    items: ItemCallDep,
    kept: Annotated[KeptAnswers, Depends(get_kept_answers)],
    responses: ResponsesDep,
    settings: SettingsDep,
    language: LanguageDep,
) -> ResponseCall:
    background: Background = request.app.state.background
    return ResponseCall(request, items, kept, responses, settings, language, background)


ResponseCallDep = Annotated[ResponseCall, Depends(get_response_call)]
