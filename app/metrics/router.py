"""`GET /metrics`: the whole server in Prometheus' text format, whichever worker answers."""

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from app.health import facts
from app.metrics.state import ServerState

if TYPE_CHECKING:  # prometheus-client must not be imported before app.metrics.shared.prepare
    from app.metrics.exposition import Metrics

router = APIRouter(tags=["server"])


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """All workers together. With API keys it needs one, as /health does."""
    state = request.app.state
    found: Metrics = state.metrics
    known = await facts(request.app)
    server = ServerState(
        ready=known.code == 200,
        draining=known.status == "draining",
        database=known.database,
        kind=known.database_kind,
    )
    models = (state.text_model, state.vision_model)
    accept = request.headers.get("accept", "")
    body, media_type = await asyncio.to_thread(found.scrape, models, server, accept)
    return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})
