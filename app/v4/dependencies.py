"""What v4's routes ask for, beside what every version's do."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Request

from app.dependencies import DatabaseDep, LanguageDep, OwnerDep
from app.domain.errors import SllmError
from app.i18n import translate
from app.images.decoder import Decoder
from app.images.store import ImageStore
from app.provider.caches import ConversationCaches
from app.v3.prompts import BUILTIN
from app.v4.services.answer_writer import AnswerWriter
from app.v4.services.conversation_service import ConversationService
from app.v4.services.prompt_service import TemplateEditor
from app.v4.services.transfer_service import TransferService

VERSION = re.compile(r'(?:W/)?"([0-9]{1,18})"|([0-9]{1,18})')


async def get_answer_writer(request: Request) -> AnswerWriter:
    writer: AnswerWriter = request.app.state.writer
    return writer


AnswerWriterDep = Annotated[AnswerWriter, Depends(get_answer_writer)]


async def get_image_store(request: Request) -> ImageStore:
    store: ImageStore = request.app.state.images
    return store


ImageStoreDep = Annotated[ImageStore, Depends(get_image_store)]


async def get_image_decoder(request: Request) -> Decoder:
    decoder: Decoder = request.app.state.decoder
    return decoder


ImageDecoderDep = Annotated[Decoder, Depends(get_image_decoder)]


async def get_caches(request: Request) -> ConversationCaches:
    caches: ConversationCaches = request.app.state.caches
    return caches


CachesDep = Annotated[ConversationCaches, Depends(get_caches)]


async def get_conversation_service(
    database: DatabaseDep, images: ImageStoreDep, caches: CachesDep, owner: OwnerDep
) -> ConversationService:
    return ConversationService(database, images, caches, owner)


ConversationServiceDep = Annotated[ConversationService, Depends(get_conversation_service)]


async def get_transfer_service(
    database: DatabaseDep, store: ImageStoreDep, decoder: ImageDecoderDep, owner: OwnerDep
) -> TransferService:
    return TransferService(database, store, decoder, owner)


TransferServiceDep = Annotated[TransferService, Depends(get_transfer_service)]


async def get_import_gate(request: Request) -> asyncio.Semaphore:
    """Each import holds a whole file in memory: this many at once in one process."""
    gate: asyncio.Semaphore = request.app.state.import_gate
    return gate


ImportGateDep = Annotated[asyncio.Semaphore, Depends(get_import_gate)]


async def get_template_editor(
    database: DatabaseDep, owner: OwnerDep, language: LanguageDep
) -> AsyncIterator[TemplateEditor]:
    """Whoever would change a built-in template is told what to do instead."""
    try:
        yield TemplateEditor(BUILTIN, database, owner)
    except SllmError as error:
        if error.text == "template_builtin":
            error.details["hint"] = translate("template_builtin_hint", language)
        raise


async def get_expected_version(
    request: Request,
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The version that this change was made from, as its ETag: a newer one is "
            "answered 409. Left out, or `*`: any.",
            examples=['"3"'],
        ),
    ] = None,
) -> int | None:
    """None is any version. Raises SllmError `invalid_parameter` for what no ETag of ours is."""
    values = request.headers.getlist("if-match")
    if not values or values == ["*"]:
        return None
    found = VERSION.fullmatch(values[0].strip()) if len(values) == 1 else None
    if found is None:
        raise SllmError("invalid_parameter", "if_match_malformed", param="If-Match")
    return int(found[1] or found[2])


TemplateEditorDep = Annotated[TemplateEditor, Depends(get_template_editor)]
ExpectedVersionDep = Annotated[int | None, Depends(get_expected_version)]
