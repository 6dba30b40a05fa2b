"""`/conversations/…/export` and `/import`: conversations as files."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.dependencies import LanguageDep
from app.docs.error_responses import WRITE_RESPONSES
from app.domain.errors import SllmError
from app.edge.strict_route import StrictRoute
from app.errors import message_of
from app.streaming import unless_gone
from app.v4.dependencies import ImportGateDep, TransferServiceDep
from app.v4.downloads import PiecewiseResponse, attachment
from app.v4.imports import EntryReader
from app.v4.models.transfer import ExportQuery, ImportResponse, SkippedSchema
from app.v4.models.transfer_docs import ALL_FILE, BODY, JSON_LINES, ONE_FILE
from app.v4.services.export_formats import json_of, line_of, markdown_of
from app.v4.services.transfer_service import Skipped, TransferService

router = APIRouter(prefix="/conversations", route_class=StrictRoute)

IMPORTABLE = re.compile(
    r'application/(?:json|x-ndjson|ndjson|jsonl)(?:\s*;\s*charset\s*=\s*"?utf-?8"?)?\s*;?',
    re.IGNORECASE,
)


@router.get(
    "/export",
    status_code=200,
    summary="Export all conversations",
    response_class=PiecewiseResponse,
    responses=ALL_FILE,
)
async def export_conversations(service: TransferServiceDep) -> PiecewiseResponse:
    """All of them with all branches, the oldest first, as JSON Lines that import takes."""
    name = attachment("conversations", "jsonl")
    return await PiecewiseResponse.of(_lines(service), JSON_LINES, name)


@router.post(
    "/import",
    summary="Import conversations",
    openapi_extra=BODY,
    responses={507: WRITE_RESPONSES[507]},
)
async def import_conversations(
    request: Request, service: TransferServiceDep, gate: ImportGateDep, language: LanguageDep
) -> ImportResponse:
    """Each becomes a new conversation, with new ids; what cannot be read is skipped.

    When the client goes away, those that are stored stay.
    """
    _check_media_type(request)
    if gate.locked():
        raise SllmError("overloaded", "imports_busy", retry_after=5)
    async with gate:
        body = await request.body()
        if not body or body.isspace():
            raise SllmError("invalid_json", "import_nothing")
        async with unless_gone(request):
            done = await service.import_all(body, EntryReader(language).read)
    return ImportResponse(
        imported=len(done.conversations),
        skipped=[_told(skipped, language) for skipped in done.skipped],
        conversations=done.conversations,
    )


@router.get(
    "/{conversation_id}/export",
    summary="Export a conversation",
    response_class=Response,
    responses=ONE_FILE,
)
async def export_conversation(
    conversation_id: str,
    query: Annotated[ExportQuery, Query()],
    service: TransferServiceDep,
    language: LanguageDep,
) -> Response:
    """JSON with every branch, which import takes, or Markdown of the current one."""
    tree = await service.tree(conversation_id)
    title = tree.conversation.title
    if query.format == "json":
        body = json_of(tree, await service.files(tree))
        return Response(body, 200, attachment(title, "json"), "application/json")
    told = {"Content-Language": language, "Vary": "Accept-Language"}
    headers = attachment(title, "md") | told
    return Response(markdown_of(tree, language), 200, headers, "text/markdown")


async def _lines(service: TransferService) -> AsyncGenerator[bytes, None]:
    async with aclosing(service.trees()) as trees:
        async for tree in trees:
            yield line_of(tree, await service.files(tree))


def _check_media_type(request: Request) -> None:
    given = request.headers.getlist("content-type")
    if len(given) != 1 or not IMPORTABLE.fullmatch(given[0].strip()):
        raise SllmError("unsupported_media_type", "import_media_type", param="Content-Type")


def _told(skipped: Skipped, language: str) -> SkippedSchema:
    reason = message_of(skipped.error, language)
    return SkippedSchema(index=skipped.index, title=skipped.title, reason=reason)
