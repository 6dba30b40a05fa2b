"""`POST /chat/stream`: v1's answer, token by token."""

from fastapi import APIRouter

from app.chats import ChatCall, ChatCallDep
from app.domain.generation import GenerationRequest
from app.edge.strict_route import StrictRoute
from app.streaming import EventStream
from app.v1.services.chat_service import Chat
from app.v2.models.chat import STREAM_RESPONSES, ChatRequest, ContextSchema, StartEvent
from app.v2.services.stream_service import stream

router = APIRouter(route_class=StrictRoute)


@router.post(
    "/chat/stream",
    summary="Chat: the answer as it is written",
    response_class=EventStream,
    responses=STREAM_RESPONSES,
)
async def chat_stream(body: ChatRequest, call: ChatCallDep) -> EventStream:
    """Stream the answer to a message; what is wrong before the first event is a plain error."""
    return await streamed(call, call.wanted(body), body.model)


async def streamed(call: ChatCall, wanted: GenerationRequest, model: str | None) -> EventStream:
    """The events of an answer, once it is accepted. Raises SllmError."""
    chat = await call.open(wanted, model)
    return EventStream(stream(chat, call.response_of(chat), _start(chat)), call.request.scope)


def _start(chat: Chat) -> StartEvent:
    return StartEvent(
        id=chat.id,
        created_at=chat.created_at,
        model=chat.model,
        context=ContextSchema.model_validate(chat.context),
    )
