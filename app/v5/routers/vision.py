"""`/vision/chat` and its stream, `/vision/info`, and another answer from the model that sees."""

from typing import Any

from fastapi import APIRouter

from app.dependencies import LanguageDep, SettingsDep
from app.docs.error_responses import WRITE_RESPONSES, response
from app.edge.strict_route import StrictRoute
from app.i18n.notices import words
from app.images.kinds import FORMATS
from app.provider.model_provider import ModelHealth
from app.streaming import EventStream
from app.v4.models.chat import STREAM_RESPONSES, ConversationChatResponse
from app.v4.routers.chat import again_router
from app.v4.turns import IdempotencyKey
from app.v5.dependencies import VisionModelDep, get_again_call
from app.v5.models.vision import (
    SightSchema,
    TokensSchema,
    VisionChatRequest,
    VisionChatResponse,
    VisionInfoResponse,
    form_schema,
)
from app.v5.turns import ImageTurnsDep
from app.v5.vision_route import VisionRoute

chat_router = APIRouter(route_class=VisionRoute)
info_router = APIRouter(route_class=StrictRoute)
regenerate_router = again_router(get_again_call, VisionChatResponse | ConversationChatResponse)
FORM = {"requestBody": {"content": form_schema()}}
IMAGE_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: response(
        400,
        [
            "invalid_json", "invalid_parameter", "context_length_exceeded", "invalid_image",
            "image_url_not_allowed", "unsupported_by_engine",
        ],
    )
}  # fmt: skip


@chat_router.post(
    "/chat",
    summary="Chat about images: one answer",
    openapi_extra=FORM,
    responses=IMAGE_RESPONSES | WRITE_RESPONSES,
)
async def vision_chat(
    body: VisionChatRequest, call: ImageTurnsDep, idempotency_key: IdempotencyKey = None
) -> VisionChatResponse:
    """Answer a message with images, or a follow-up; it and the answer are stored before this
    returns."""
    answer = await call.answer(await call.ask(body, idempotency_key))
    assert isinstance(answer, VisionChatResponse)
    return answer


@chat_router.post(
    "/chat/stream",
    summary="Chat about images: the answer as it is written",
    response_class=EventStream,
    openapi_extra=FORM,
    responses=STREAM_RESPONSES | IMAGE_RESPONSES | WRITE_RESPONSES,
)
async def vision_chat_stream(
    body: VisionChatRequest, call: ImageTurnsDep, idempotency_key: IdempotencyKey = None
) -> EventStream:
    """Stream the answer; the message is stored before `start`, the answer before `done`."""
    return call.stream(await call.ask(body, idempotency_key))


@info_router.get("/info", summary="The model that sees")
async def vision_info(
    model: VisionModelDep, settings: SettingsDep, language: LanguageDep
) -> VisionInfoResponse:
    """What is loaded, and what images it takes; nothing is claimed that is not there."""
    health = model.health()
    known = health.info
    vision = known.vision if known else None
    tokens = vision and TokensSchema(min=vision.tokens_min, max=vision.tokens_max)
    return VisionInfoResponse(
        status=health.status,
        id=known and known.id,
        architecture=known and known.architecture,
        format=known and known.format,
        parameters=known and known.parameters,
        context_length=known and known.context_length,
        image=SightSchema(
            formats=[*FORMATS],
            max_images=settings.max_images,
            max_bytes=settings.max_image_bytes,
            max_pixels=settings.max_image_pixels,
            tokens_per_image=tokens,
            patch_size=vision and vision.patch_size,
            image_size=vision and vision.image_size,
        ),
        device=known and known.device,
        files=list(vision.files) if vision else [],
        license=vision and vision.license,
        reason=_reason(health, language),
    )


def _reason(health: ModelHealth, language: str) -> str | None:
    return words([health.reason], language)[0] if health.reason else None


router = APIRouter(prefix="/vision", route_class=StrictRoute)
router.include_router(chat_router)
router.include_router(info_router)
