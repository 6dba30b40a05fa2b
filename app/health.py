"""`GET /`, `/health` and its short forms: what the server is and whether it can answer."""

import time
from typing import Any, Literal

import msgspec
from fastapi import APIRouter, FastAPI, Request
from msgspec import Struct
from starlette.responses import JSONResponse, RedirectResponse, Response

from app import __version__
from app.database import Database
from app.domain.model_info import Notice
from app.drain import Drain
from app.errors import scope_language
from app.i18n.notices import words
from app.provider.model_provider import ModelHealth, ModelProvider
from app.storage import DatabaseStatus, DatabaseWatch
from app.versions import describe

router = APIRouter(tags=["server"])
ServerStatus = Literal["ok", "loading", "degraded", "unavailable", "draining"]


def server_status(
    text: ModelHealth,
    draining: bool,
    database: DatabaseStatus = "ok",
    vision: ModelHealth | None = None,
) -> ServerStatus:
    """One word for the whole server: it is there to answer with the text model."""
    if draining:
        return "draining"
    if text.status == "ready":
        blind = vision is not None and vision.status == "failed"
        return "ok" if database == "ok" and not blind else "degraded"
    return "loading" if text.status == "loading" else "unavailable"


def _model(health: ModelHealth, language: str) -> dict[str, Any]:
    info = health.info
    known = {
        "format": info and info.format,
        "architecture": info and info.architecture,
        "quantization": info and info.quantization,
        "parameters": info and info.parameters,
        "languages": list(info.languages) if info else [],
        "context_length": info and info.context_length,
        "training_context_length": info and info.training_context_length,
        "slots": {"total": info.slots if info else 0, "busy": health.busy},
        "device": info and info.device,
        "gpu_layers": info and info.gpu_layers,
        "settings": info.settings if info else {},
    }
    reason = words([health.reason], language)[0] if health.reason else None
    return {"status": health.status, "id": health.id, **known, "reason": reason}


class ServerFacts(Struct, frozen=True):
    """All that `/health` tells in whatever language, as it is now."""

    status: ServerStatus
    uptime_seconds: float
    text: ModelHealth
    vision: ModelHealth
    database: DatabaseStatus
    database_kind: str
    reached_beyond: bool

    @property
    def code(self) -> int:
        """200 exactly when the text model answers."""
        return 200 if self.status in ("ok", "degraded") else 503


async def facts(app: FastAPI) -> ServerFacts:
    """Nothing of it is kept but a moment's look at the database."""
    state = app.state
    model: ModelProvider = state.text_model
    sight: ModelProvider = state.vision_model
    drain: Drain = state.drain
    database: Database = state.database
    watch: DatabaseWatch = state.database_watch
    stored = await watch.status()
    text, vision = model.health(), sight.health()
    status = server_status(text, drain.draining, stored, vision)
    uptime = round(time.monotonic() - state.started_at, 1)
    beyond: bool = state.reached_beyond
    return ServerFacts(status, uptime, text, vision, stored, database.kind, beyond)


def report(known: ServerFacts, language: str) -> dict[str, Any]:
    """The body of `/health`."""
    text, vision = known.text, known.vision
    exposed = [Notice("open_beyond_loopback")] if known.reached_beyond else []
    infos = [each.info for each in (text, vision) if each.info]
    notices = [*exposed, *(notice for info in infos for notice in info.warnings)]
    return {
        "status": known.status,
        "version": __version__,
        "uptime_seconds": known.uptime_seconds,
        "models": {
            "text": _model(text, language),
            "vision": _model(vision, language),
        },
        "queue": {
            "waiting": text.waiting + vision.waiting,
            "limit": text.limit + vision.limit,
        },
        "database": {"status": known.database, "kind": known.database_kind},
        "warnings": words(notices, language),
    }


class Reports:
    """The newest body in each language: the facts change less often than they are asked for."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[ServerFacts, bytes]] = {}

    def of(self, known: ServerFacts, language: str) -> bytes:
        """The body of these very facts."""
        newest = self._newest.get(language)
        if newest is None or newest[0] != known:
            newest = self._newest[language] = (known, msgspec.json.encode(report(known, language)))
        return newest[1]


def _headers(code: int) -> dict[str, str]:
    fresh = {"Cache-Control": "no-store"}
    return fresh if code == 200 else fresh | {"Retry-After": "2"}


@router.get("/health", summary="Health: models, queue, warnings", response_class=JSONResponse)
async def health(request: Request) -> Response:
    """200 when the text model answers, else 503; the same body either way."""
    known = await facts(request.app)
    reports: Reports = request.app.state.reports
    body = reports.of(known, scope_language(request.scope))
    return Response(body, known.code, _headers(known.code), "application/json")


@router.get("/health/ready", summary="Ready: 200 or 503 without a body")
async def ready(request: Request) -> Response:
    """For load balancers: whether to send work here."""
    code = (await facts(request.app)).code
    return Response(status_code=code, headers=_headers(code))


@router.get("/health/live", summary="Live: the process runs")
async def live() -> Response:
    """For process supervisors: always 200."""
    return Response(status_code=200)


@router.get("/", summary="What this server is")
async def index(request: Request) -> Response:
    """Versions, routes and models; a browser is sent to the chat page."""
    if prefers_html(request.headers.get("accept", "")):
        return RedirectResponse("/ui", 307, {"Vary": "Accept"})
    state = request.app.state
    models = {"text": state.text_model.health().id, "vision": state.vision_model.health().id}
    body = describe(request.app) | {"models": models}
    return JSONResponse(body, headers={"Vary": "Accept"})


def prefers_html(accept: str) -> bool:
    """Whether `text/html` comes before any JSON in an Accept header."""
    types = [item.partition(";")[0].strip().lower() for item in accept.split(",")]
    first = next((kind for kind in types if kind in ("text/html", "application/json")), "")
    return first == "text/html"
