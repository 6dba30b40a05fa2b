"""`/images`: the pictures of one's own messages."""

from fastapi import APIRouter

from app.edge.strict_route import StrictRoute
from app.v4.downloads import PiecewiseResponse
from app.v5.dependencies import VisionServiceDep

router = APIRouter(prefix="/images", route_class=StrictRoute)
# What is kept is a PNG, whatever came.
ONE_IMAGE = {200: {"description": "The picture, upright.", "content": {"image/png": {}}}}


@router.get(
    "/{image_id}",
    status_code=200,
    summary="An image of a message",
    response_class=PiecewiseResponse,
    responses=ONE_IMAGE,  # type: ignore[arg-type]
)
async def get_image(image_id: str, service: VisionServiceDep) -> PiecewiseResponse:
    """As it is kept: upright, in RGB, without metadata."""
    pieces = await service.read(image_id)
    return await PiecewiseResponse.of(pieces, "image/png", {})
