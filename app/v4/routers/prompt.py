"""`/prompt/templates` with those of one's own to make, change and delete; reading is v3's."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.dependencies import SettingsDep
from app.docs.error_responses import WRITE_RESPONSES
from app.edge.strict_route import StrictRoute
from app.v3.dependencies import ToldLanguageDep, naming_fields
from app.v3.models.pages import Number, PageQuery
from app.v3.models.prompt import TemplateSchema
from app.v3.routers import prompt as reading
from app.v3.routers.prompt import shown
from app.v4.dependencies import ExpectedVersionDep, TemplateEditorDep
from app.v4.models.prompt import (
    CHANGE_RESPONSES,
    CREATE_RESPONSES,
    NewTemplate,
    TemplateBody,
    TemplateVersions,
)

writing = APIRouter(prefix="/prompt/templates", route_class=StrictRoute)
VersionNumber = Annotated[Number, Path(ge=1, le=2**31 - 1, description="As `version` tells it.")]


@writing.post("", status_code=201, summary="Make a prompt template", responses=CREATE_RESPONSES)
async def create_template(
    body: NewTemplate,
    editor: TemplateEditorDep,
    language: ToldLanguageDep,
    request: Request,
    response: Response,
) -> TemplateSchema:
    """A template of your own; other API keys neither see nor use it. `Location` names it."""
    with naming_fields():
        made = await editor.create(body.to_template(body.name))
    response.headers["Location"] = f"{request.url.path}/{made.name}"
    return shown(made, language, response)


@writing.put("/{name}", summary="Change a prompt template", responses=CHANGE_RESPONSES)
async def replace_template(
    name: str,
    body: TemplateBody,
    editor: TemplateEditorDep,
    expected: ExpectedVersionDep,
    language: ToldLanguageDep,
    response: Response,
) -> TemplateSchema:
    """The whole template as its next version; what is left out has its default."""
    with naming_fields():
        changed = await editor.replace(body.to_template(name), expected)
    return shown(changed, language, response)


@writing.delete(
    "/{name}", status_code=204, summary="Delete a prompt template", responses=WRITE_RESPONSES
)
async def delete_template(
    name: str, editor: TemplateEditorDep, expected: ExpectedVersionDep
) -> None:
    """With all its versions. Conversations that used it keep what it said."""
    await editor.delete(name, expected)


@writing.get("/{name}/versions", summary="List a prompt template's versions")
async def list_versions(
    name: str,
    query: Annotated[PageQuery, Query()],
    editor: TemplateEditorDep,
    settings: SettingsDep,
    language: ToldLanguageDep,
) -> TemplateVersions:
    """A page of them, the newest first."""
    found = await editor.versions(name, query.page, query.page_size or settings.page_size)
    return TemplateVersions(
        items=[TemplateSchema.of(template, language) for template in found.items],
        total=found.total,
        page=found.page,
        page_size=found.page_size,
        pages=found.pages,
    )


@writing.post(
    "/{name}/versions/{version}/restore",
    summary="Bring back an old version",
    responses=CHANGE_RESPONSES,
)
async def restore_version(
    name: str,
    version: VersionNumber,
    editor: TemplateEditorDep,
    expected: ExpectedVersionDep,
    language: ToldLanguageDep,
    response: Response,
) -> TemplateSchema:
    """What it said becomes the next version; no version is lost."""
    return shown(await editor.restore(name, version, expected), language, response)


router = APIRouter(route_class=StrictRoute)
router.include_router(reading.router)
router.include_router(writing)
