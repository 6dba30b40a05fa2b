"""`POST /chat`: a message in, the whole answer out."""

from fastapi import APIRouter, Request

from app.dependencies import ChatServiceDep, LanguageDep, RequestMakerDep, SettingsDep
from app.edge.strict_route import StrictRoute
from app.i18n.notices import words
from app.streaming import unless_gone
from app.v1.models.chat import ChatRequest, ChatResponse

router = APIRouter(route_class=StrictRoute)


@router.post("/chat", summary="Chat: one answer")
async def chat(
    body: ChatRequest,
    request: Request,
    service: ChatServiceDep,
    make: RequestMakerDep,
    settings: SettingsDep,
    language: LanguageDep,
) -> ChatResponse:
    """Answer a message. A client that goes away while waiting frees its place at once."""
    options = body.to_options(settings.default_max_tokens)
    wanted = make(body.to_messages(), options, body.context_policy)
    async with unless_gone(request):
        opened = await service.open(wanted, body.model)
        finished = await service.answer(opened)
    return ChatResponse.of(
        id=opened.id,
        created_at=opened.created_at,
        model=opened.model,
        finished=finished,
        warnings=words(opened.warnings, language),
    )
