"""What routes ask for: services, settings, and who is calling in which language.

All of them are coroutines: FastAPI would run a plain function in a thread, which costs more than
what they do.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from app.config import Settings
from app.database import Database
from app.domain.errors import SllmError
from app.domain.generation import GenerationRequest
from app.domain.messages import Message
from app.domain.options import ContextPolicy, GenerationOptions
from app.drain import Drain
from app.edge.authentication import LOCAL
from app.errors import request_id_of, scope_language
from app.provider.model_provider import ModelProvider
from app.v1.services.chat_service import ChatService


async def get_settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def get_text_model(request: Request) -> ModelProvider:
    """Raises `shutting_down` once the server drains: new work goes elsewhere."""
    check_open(request)
    model: ModelProvider = request.app.state.text_model
    return model


def check_open(request: Request) -> None:
    """Raises `shutting_down` once the server drains."""
    drain: Drain = request.app.state.drain
    if drain.draining:
        raise SllmError("shutting_down", retry_after=5)


async def get_language(request: Request) -> str:
    return scope_language(request.scope)


async def get_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def get_owner(request: Request) -> str:
    """The API key's id, or `local` where there are no keys."""
    return str(request.scope.get("state", {}).get("owner", LOCAL))


SettingsDep = Annotated[Settings, Depends(get_settings)]
TextModelDep = Annotated[ModelProvider, Depends(get_text_model)]
DatabaseDep = Annotated[Database, Depends(get_database)]
OwnerDep = Annotated[str, Depends(get_owner)]
LanguageDep = Annotated[str, Depends(get_language)]
RequestMaker = Callable[
    [tuple[Message, ...], GenerationOptions, ContextPolicy | None], GenerationRequest
]


async def get_chat_service(model: TextModelDep) -> ChatService:
    return ChatService(model)


ChatServiceDep = Annotated[ChatService, Depends(get_chat_service)]


async def get_request_maker(
    request: Request, settings: SettingsDep, owner: OwnerDep
) -> RequestMaker:
    """Generation requests of this caller, under this server's limits."""
    # Fairness and rate limits are between keys, or between addresses where there are none.
    address = request.client.host if request.client else LOCAL
    client = address if owner == LOCAL else owner

    def make(
        messages: tuple[Message, ...], options: GenerationOptions, policy: ContextPolicy | None
    ) -> GenerationRequest:
        return GenerationRequest(
            messages=messages,
            options=options,
            client=client,
            owner=owner,
            context_policy=policy or "drop_oldest",
            max_history=settings.max_history_length,
            arrived_at=request.state.arrived_at,
            deadline_seconds=settings.request_deadline_seconds,
            request_id=request_id_of(request.scope),
        )

    return make


RequestMakerDep = Annotated[RequestMaker, Depends(get_request_maker)]
