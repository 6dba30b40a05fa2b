"""`POST /v1/embeddings`: a plain answer that the models here write texts and no vectors."""

from fastapi import APIRouter

from app.domain.errors import SllmError
from app.edge.strict_route import StrictRoute
from app.openai.dependencies import ModelsDep
from app.openai.models.embeddings import EmbeddingsRequest

router = APIRouter(route_class=StrictRoute)


@router.post("/embeddings", summary="Embeddings: no model here gives them")
async def embeddings(body: EmbeddingsRequest, models: ModelsDep) -> None:
    """400 `unsupported_by_engine`: chat models are served here, whose vectors say little."""
    await models.find(body.model, sees=False)
    raise SllmError("unsupported_by_engine", "embeddings_unsupported", param="model")
