"""The steps that every chat route takes with its body: ask, open, answer. No URLs here."""

from collections.abc import Callable
from typing import Annotated, Protocol

from fastapi import Depends, Request

from app.config import Settings
from app.dependencies import (
    ChatServiceDep,
    LanguageDep,
    RequestMaker,
    RequestMakerDep,
    SettingsDep,
)
from app.domain.generation import Finished, GenerationRequest
from app.domain.messages import Message
from app.domain.options import ContextPolicy, GenerationOptions
from app.i18n.notices import words
from app.streaming import unless_gone
from app.v1.models.chat import ChatResponse
from app.v1.services.chat_service import Chat, ChatService


class ChatBody(Protocol):
    """What the body of any chat route says."""

    @property
    def context_policy(self) -> ContextPolicy | None: ...

    def to_messages(self) -> tuple[Message, ...]: ...

    def to_options(self, default_max_tokens: int) -> GenerationOptions: ...


class ChatCall:
    """One chat request on its way. A client that goes away frees its place at once."""

    def __init__(
        self,
        request: Request,
        service: ChatService,
        make: RequestMaker,
        settings: Settings,
        language: str,
    ) -> None:
        self.request = request
        self._service = service
        self._make = make
        self._settings = settings
        self._language = language

    def wanted(self, body: ChatBody) -> GenerationRequest:
        """What `body` asks for, under this server's limits. Raises SllmError."""
        options = body.to_options(self._settings.default_max_tokens)
        return self._make(body.to_messages(), options, body.context_policy)

    async def open(self, wanted: GenerationRequest, model: str | None) -> Chat:
        """Wait until it is accepted; what is wrong with it is raised here as SllmError."""
        async with unless_gone(self.request):
            return await self._service.open(wanted, model)

    async def answer(self, wanted: GenerationRequest, model: str | None) -> ChatResponse:
        """The whole answer."""
        async with unless_gone(self.request):
            chat = await self._service.open(wanted, model)
            finished = await self._service.answer(chat)
        return self.response_of(chat)(finished)

    async def finished(self, chat: Chat) -> Finished:
        """The end of `chat`."""
        async with unless_gone(self.request):
            return await self._service.answer(chat)

    def response_of(self, chat: Chat) -> Callable[[Finished], ChatResponse]:
        """From the end of `chat` to what its client is sent."""

        def made(finished: Finished) -> ChatResponse:
            return ChatResponse.of(
                id=chat.id,
                created_at=chat.created_at,
                model=chat.model,
                finished=finished,
                warnings=words(chat.warnings, self._language),
            )

        return made


async def get_chat_call(
    request: Request,
    service: ChatServiceDep,
    make: RequestMakerDep,
    settings: SettingsDep,
    language: LanguageDep,
) -> ChatCall:
    return ChatCall(request, service, make, settings, language)


ChatCallDep = Annotated[ChatCall, Depends(get_chat_call)]
