"""`GET /v1/models`: what `model` may name."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.edge.strict_route import StrictRoute
from app.openai.dependencies import ModelsDep
from app.openai.models.models import ModelList, ModelSchema

router = APIRouter(route_class=StrictRoute)


@router.get("/models", summary="The models that answer now")
async def list_models(models: ModelsDep) -> ModelList:
    """Those that are loaded; one that is still being loaded is not there yet."""
    return ModelList(data=[ModelSchema(id=served.id) for served in models.list()])


@router.get("/models/{model:path}", summary="One model")
async def get_model(
    model: Annotated[str, Path(min_length=1, max_length=256)], models: ModelsDep
) -> ModelSchema:
    """Whether a model is loaded."""
    return ModelSchema(id=models.get(model).id)
