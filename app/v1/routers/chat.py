"""`POST /chat`: a message in, the whole answer out."""

from fastapi import APIRouter

from app.chats import ChatCallDep
from app.edge.strict_route import StrictRoute
from app.v1.models.chat import ChatRequest, ChatResponse

router = APIRouter(route_class=StrictRoute)


@router.post("/chat", summary="Chat: one answer")
async def chat(body: ChatRequest, call: ChatCallDep) -> ChatResponse:
    """Answer a message. A client that goes away while waiting frees its place at once."""
    return await call.answer(call.wanted(body), body.model)
