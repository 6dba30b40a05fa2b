"""`POST /chat` and `POST /chat/stream` with a template; the answers are v1's and v2's."""

from fastapi import APIRouter
from msgspec.structs import replace

from app.chats import ChatCall, ChatCallDep
from app.domain.generation import GenerationRequest
from app.edge.strict_route import StrictRoute
from app.streaming import EventStream
from app.v2.routers.chat import streamed
from app.v3.dependencies import PromptServiceDep, naming_fields
from app.v3.models.chat import STREAM_RESPONSES, ChatResponse, TemplateChatRequest
from app.v3.services.prompt_service import PromptService

router = APIRouter(route_class=StrictRoute)
stream_router = APIRouter(route_class=StrictRoute)


@router.post("/chat", summary="Chat: one answer")
async def template_chat(
    body: TemplateChatRequest, call: ChatCallDep, prompts: PromptServiceDep
) -> ChatResponse:
    """Answer a message, under a template if one is named."""
    return await call.answer(await wanted(body, call, prompts), body.model)


@stream_router.post(
    "/chat/stream",
    summary="Chat: the answer as it is written",
    response_class=EventStream,
    responses=STREAM_RESPONSES,
)
async def template_chat_stream(
    body: TemplateChatRequest, call: ChatCallDep, prompts: PromptServiceDep
) -> EventStream:
    """Stream the answer to a message, under a template if one is named."""
    return await streamed(call, await wanted(body, call, prompts), body.model)


async def wanted(
    body: TemplateChatRequest, call: ChatCall, prompts: PromptService
) -> GenerationRequest:
    """What `body` asks for; the template's messages stay at its front whatever must be cut."""
    if body.template is None:
        return call.wanted(body)
    with naming_fields():
        rendered = await prompts.render(body.template, body.variables or {})
    request = call.wanted(body.with_defaults(rendered.options))
    messages = (*rendered.head, *request.messages)
    return replace(request, messages=messages, head=len(rendered.head))
