"""`POST /tokenize`: how many tokens a text or a chat takes; nothing is generated."""

from fastapi import APIRouter

from app.dependencies import TextModelDep
from app.domain.messages import Message
from app.edge.strict_route import StrictRoute
from app.v1.services.chat_service import check_model
from app.v3.dependencies import PromptServiceDep, naming_fields
from app.v3.services.prompt_service import PromptService
from app.v4.models.tokenize import TokenizeRequest, TokenizeResponse
from app.v4.services.sllm_service import SllmService

router = APIRouter(route_class=StrictRoute)


@router.post("/tokenize", summary="Count tokens")
async def tokenize(
    body: TokenizeRequest, model: TextModelDep, prompts: PromptServiceDep
) -> TokenizeResponse:
    """A text's tokens, or the prompt tokens of a chat with these messages."""
    check_model(body.model, await model.info())
    service = SllmService(model)
    if body.text is not None:
        return TokenizeResponse.model_validate(await service.count_text(body.text))
    messages = (*await head_of(body, prompts), *body.to_messages())
    return TokenizeResponse.model_validate(await service.count_messages(messages))


async def head_of(body: TokenizeRequest, prompts: PromptService) -> tuple[Message, ...]:
    """What the template says before the messages."""
    if body.template is None:
        return ()
    with naming_fields():
        return (await prompts.render(body.template, body.variables or {})).head
