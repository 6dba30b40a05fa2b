"""The OpenAI dialect under /v1: a translation around the services of the versions."""

from collections.abc import Mapping

from fastapi import APIRouter

from app.docs.openai_errors import openai_error_responses
from app.openai.routers import chat, completions, conversations, embeddings, models, responses

PATH = "/v1"
# Whose bodies may hold images.
WITH_IMAGES = tuple(f"{PATH}/{name}" for name in ("chat/completions", "responses", "conversations"))
FEATURES: Mapping[str, APIRouter] = {
    "models": models.router,
    "chat": chat.router,
    "completions": completions.router,
    "embeddings": embeddings.router,
    "responses": responses.router,
    "conversations": conversations.router,
}


def router() -> APIRouter:
    """Every route of the dialect under its path."""
    whole = APIRouter(prefix=PATH, tags=["openai"])
    for feature in FEATURES.values():
        whole.include_router(feature, responses=openai_error_responses())
    return whole
