"""`POST /chat/stream`: v1's answer, token by token."""

from fastapi import APIRouter, Request

from app.dependencies import ChatServiceDep, LanguageDep, RequestMakerDep, SettingsDep
from app.domain.generation import Finished
from app.edge.strict_route import StrictRoute
from app.i18n.notices import words
from app.streaming import EventStream, unless_gone
from app.v1.services.chat_service import Chat
from app.v2.models.chat import (
    STREAM_RESPONSES,
    ChatRequest,
    ChatResponse,
    ContextSchema,
    StartEvent,
)
from app.v2.services.stream_service import stream

router = APIRouter(route_class=StrictRoute)


@router.post(
    "/chat/stream",
    summary="Chat: the answer as it is written",
    response_class=EventStream,
    responses=STREAM_RESPONSES,
)
async def chat_stream(
    body: ChatRequest,
    request: Request,
    service: ChatServiceDep,
    make: RequestMakerDep,
    settings: SettingsDep,
    language: LanguageDep,
) -> EventStream:
    """Stream the answer to a message; what is wrong before the first event is a plain error."""
    options = body.to_options(settings.default_max_tokens)
    wanted = make(body.to_messages(), options, body.context_policy)
    async with unless_gone(request):
        opened = await service.open(wanted, body.model)

    def done(finished: Finished) -> ChatResponse:
        return ChatResponse.of(
            id=opened.id,
            created_at=opened.created_at,
            model=opened.model,
            finished=finished,
            warnings=words(opened.warnings, language),
        )

    return EventStream(stream(opened, done, _start(opened)), request.scope)


def _start(opened: Chat) -> StartEvent:
    return StartEvent(
        id=opened.id,
        created_at=opened.created_at,
        model=opened.model,
        context=ContextSchema.model_validate(opened.context),
    )
