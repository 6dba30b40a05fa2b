"""`POST /chat` and `/chat/stream` in a conversation, and another answer to the same question."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends

from app.docs.error_responses import WRITE_RESPONSES
from app.edge.strict_route import StrictRoute
from app.streaming import EventStream
from app.v4.models.chat import (
    STREAM_RESPONSES,
    ConversationChatRequest,
    ConversationChatResponse,
    RegenerateRequest,
)
from app.v4.turns import IdempotencyKey, TurnCall, TurnCallDep, get_turn_call

router = APIRouter(route_class=StrictRoute)
stream_router = APIRouter(route_class=StrictRoute)
AGAIN = "/{conversation_id}/messages/{message_id}/regenerate"


@router.post("/chat", summary="Chat in a conversation: one answer", responses=WRITE_RESPONSES)
async def conversation_chat(
    body: ConversationChatRequest, call: TurnCallDep, idempotency_key: IdempotencyKey = None
) -> ConversationChatResponse:
    """Answer a message; it and the answer are stored before this returns."""
    return await call.answer(await call.ask(body, idempotency_key))


@stream_router.post(
    "/chat/stream",
    summary="Chat in a conversation: the answer as it is written",
    response_class=EventStream,
    responses=STREAM_RESPONSES | WRITE_RESPONSES,
)
async def conversation_chat_stream(
    body: ConversationChatRequest, call: TurnCallDep, idempotency_key: IdempotencyKey = None
) -> EventStream:
    """Stream the answer; the message is stored before `start`, the answer before `done`."""
    return call.stream(await call.ask(body, idempotency_key))


def again_router(get_call: Callable[..., Awaitable[TurnCall]], answer: Any) -> APIRouter:
    """Regenerating, by the call that the dependency `get_call` makes; `answer` is its schema."""
    router = APIRouter(prefix="/conversations", route_class=StrictRoute)
    summary, needed = "Another answer to the same question", Depends(get_call)

    @router.post(AGAIN, summary=summary, responses=WRITE_RESPONSES, response_model=answer)
    async def regenerate(
        conversation_id: str,
        message_id: str,
        body: RegenerateRequest | None = None,
        call: TurnCall = needed,
    ) -> ConversationChatResponse:
        """`message_id` is the question or one of its answers; the new answer becomes current."""
        wanted = body or RegenerateRequest()
        return await call.answer(await call.regenerate(conversation_id, message_id, wanted))

    @router.post(
        AGAIN + "/stream",
        summary=f"{summary}, as it is written",
        response_class=EventStream,
        responses=STREAM_RESPONSES | WRITE_RESPONSES,
    )
    async def regenerate_stream(
        conversation_id: str,
        message_id: str,
        body: RegenerateRequest | None = None,
        call: TurnCall = needed,
    ) -> EventStream:
        """As the route without `/stream`, as events."""
        wanted = body or RegenerateRequest()
        return call.stream(await call.regenerate(conversation_id, message_id, wanted))

    return router


regenerate_router = again_router(get_turn_call, ConversationChatResponse)
