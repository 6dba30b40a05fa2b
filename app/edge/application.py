"""The FastAPI application with the edge around it; the order of its layers is decided here."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from msgspec import Struct
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from app.api_keys import KeyRing
from app.edge.access_log import AccessLog
from app.edge.authentication import Authentication
from app.edge.body_guard import DEFAULT_LIMIT, RECEIVE_SECONDS, BodyGuard
from app.edge.exposure import Exposure
from app.edge.host_guard import HostGuard
from app.edge.origin_guard import OriginGuard
from app.edge.request_id import RequestId
from app.edge.security_headers import SecurityHeaders

EXPOSED = ("X-Request-ID", "Retry-After", "Location", "Content-Language")


class EdgeSettings(Struct, frozen=True):
    """Who may call, and how much they may send (bytes; seconds for the whole body);
    without `keys` everybody may."""

    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    body_limit: int = DEFAULT_LIMIT
    body_limits: Mapping[str, int] = {}
    receive_seconds: float = RECEIVE_SECONDS
    keys: KeyRing | None = None


class EdgeApplication(FastAPI):
    """FastAPI whose every answer, even to a bug, passes the edge.

    Starlette puts its own handler of unexpected errors outside of added middleware; these layers
    must be outside of that, so the stack is wrapped where it is built.
    """

    def __init__(self, edge: EdgeSettings | None = None, **settings: Any) -> None:
        self.edge = edge or EdgeSettings()
        super().__init__(**settings)

    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's stack inside the edge."""
        return guarded(super().build_middleware_stack(), self.edge)


def guarded(app: ASGIApp, edge: EdgeSettings) -> ASGIApp:
    """`app` behind every layer of the edge, the last named outermost."""
    app = BodyGuard(app, edge.body_limits, edge.body_limit, edge.receive_seconds)
    app = Authentication(app, edge.keys) if edge.keys else Exposure(app)
    app = OriginGuard(app, edge.cors_origins)
    if edge.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=edge.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
    app = HostGuard(app, edge.allowed_hosts)
    app = SecurityHeaders(app)
    return RequestId(AccessLog(app))
