"""The steps of a chat: who answers, is it accepted, what must the client be told."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from app.domain.errors import SllmError
from app.domain.generation import (
    Accepted,
    ContextReport,
    Finished,
    GenerationEvent,
    GenerationRequest,
)
from app.domain.language import unclaimed_language
from app.domain.model_info import ModelInfo, Notice
from app.domain.parts import in_words
from app.provider.model_provider import ModelProvider
from app.weights.catalog import best_for_language

Events = AsyncGenerator[GenerationEvent, None]


@dataclass(frozen=True)
class Chat:
    """An accepted chat: what is known before the first token, and the events to come.

    Whoever holds it must close `events`, or the slot stays taken until it is garbage.
    """

    id: str
    created_at: datetime
    model: str
    context: ContextReport
    warnings: tuple[Notice, ...]
    events: Events


class ChatService:
    """Stateless chats on one model."""

    def __init__(self, model: ModelProvider) -> None:
        self._model = model

    async def open(self, request: GenerationRequest, model: str | None = None) -> Chat:
        """Raises SllmError for all that is wrong before the first event: no such model, no
        model ready, too long, no room in the queue."""
        info = await self._model.info()
        check_model(model, info)
        warnings = warnings_for(request, info)
        if not info.tools:
            request = replace(request, messages=in_words(request.messages))
        chat_id = "chat_" + secrets.token_hex(16)
        events = self._model.generate(replace(request, id=chat_id))
        accepted = await anext(events)
        assert isinstance(accepted, Accepted)
        return Chat(
            id=chat_id,
            created_at=datetime.now(UTC),
            model=info.id,
            context=accepted.context,
            warnings=warnings,
            events=events,
        )

    async def answer(self, chat: Chat) -> Finished:
        """Collect the stream into one answer."""
        async with aclosing(chat.events) as events:
            async for event in events:
                if isinstance(event, Finished):
                    return event
        raise SllmError("engine_died", retry_after=2)


def check_model(name: str | None, info: ModelInfo) -> None:
    """A request may name the loaded model, or nothing."""
    if name is not None and name != info.id:
        details = {"available": [info.id]}
        raise SllmError("not_found", "model_not_loaded", param="model", details=details)


def warnings_for(request: GenerationRequest, info: ModelInfo) -> tuple[Notice, ...]:
    """What this client should know about this answer: a language that the weights do not claim
    is answered all the same, but with the command that brings weights which do."""
    language = unclaimed_language(request.messages[-1].content, info.languages)
    if language is None:
        return ()
    better = best_for_language(language)
    values: dict[str, str | int | float] = {"model": info.id, "language": "language_" + language}
    if better is None or better.name == info.id:
        return (Notice("language_not_claimed_none", values),)
    return (Notice("language_not_claimed", values | {"suggestion": better.name}),)
