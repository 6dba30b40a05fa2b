"""`/prompt/templates`: what there is, one of them, and what it looks like filled in."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.dependencies import SettingsDep, TextModelDep
from app.domain.prompt_templates import PromptTemplate
from app.edge.strict_route import StrictRoute
from app.v3.dependencies import PromptServiceDep, ToldLanguageDep, naming_fields
from app.v3.models.prompt import (
    RenderedMessage,
    RenderRequest,
    RenderResponse,
    TemplatePage,
    TemplateQuery,
    TemplateSchema,
    TemplateSummary,
)

router = APIRouter(prefix="/prompt/templates", route_class=StrictRoute)


@router.get("", summary="List prompt templates")
async def list_templates(
    query: Annotated[TemplateQuery, Query()],
    service: PromptServiceDep,
    settings: SettingsDep,
    language: ToldLanguageDep,
) -> TemplatePage:
    """A page of the templates that carry a tag and serve a language."""
    size = query.page_size or settings.page_size
    found = await service.page(query.page, size, query.tag, query.language)
    return TemplatePage(
        items=[TemplateSummary.of(template, language) for template in found.items],
        total=found.total,
        page=found.page,
        page_size=found.page_size,
        pages=found.pages,
    )


@router.get("/{name}", summary="A prompt template")
async def get_template(
    name: str, service: PromptServiceDep, language: ToldLanguageDep, response: Response
) -> TemplateSchema:
    """One template with its system prompt, examples and options."""
    return shown(await service.get(name), language, response)


@router.post("/{name}/render", summary="Fill in a prompt template")
async def render_template(
    name: str, body: RenderRequest, service: PromptServiceDep, model: TextModelDep
) -> RenderResponse:
    """What a chat with these variables begins with; nothing is generated."""
    with naming_fields():
        rendered, tokens = await service.preview(name, body.variables or {}, model)
    messages = [RenderedMessage.of(message) for message in rendered.head]
    return RenderResponse(messages=messages, prompt_tokens=tokens)


def shown(template: PromptTemplate, language: str, response: Response) -> TemplateSchema:
    """The whole template; its version is the answer's ETag."""
    response.headers["ETag"] = f'"{template.version}"'
    return TemplateSchema.of(template, language)
