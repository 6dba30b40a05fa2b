"""Keeps web pages of other sites from using this server through a visitor's browser."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.errors import SllmError
from app.edge.refusal import refuse

ORIGIN = re.compile(r"https?://[^/?#@\s]+")
DEFAULT_PORTS = {"http": 80, "https": 443}


class OriginGuard:
    """Refuses (403) what a browser says comes from another site, unless its origin is `allowed`.

    Clients that are no browsers send neither Origin nor Sec-Fetch-Site and are not concerned.
    """

    def __init__(self, app: ASGIApp, allowed: Iterable[str] = ()) -> None:
        self.app = app
        self.allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self.allows(scope):
            await refuse(scope, receive, send, SllmError("forbidden_origin"))
            return
        await self.app(scope, receive, send)

    def allows(self, scope: Scope) -> bool:
        """Whether the page that sent this request, if one did, may do so."""
        if "*" in self.allowed:
            return True
        origins = values(scope, b"origin")
        if origins:
            return len(origins) == 1 and self.allows_origin(origins[0], scope)
        return "cross-site" not in values(scope, b"sec-fetch-site") or is_visit(scope)

    def allows_origin(self, origin: str, scope: Scope) -> bool:
        """Same origin as the Host header, or configured. `null` is neither."""
        if origin.lower() in self.allowed:
            return True
        return ORIGIN.fullmatch(origin.lower()) is not None and is_same_place(origin, scope)


def values(scope: Scope, name: bytes) -> list[str]:
    """Every value of the header `name`."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def is_same_place(origin: str, scope: Scope) -> bool:
    """Whether `origin` is where this server was called.

    A proxy may end TLS before us, so the scheme counts only for the default port.
    """
    hosts = values(scope, b"host")
    if len(hosts) != 1:
        return False
    scheme, _, place = origin.lower().partition("://")
    try:
        own = urlsplit(f"{scheme}://{hosts[0].lower()}")
        other = urlsplit(f"{scheme}://{place}")
        default = DEFAULT_PORTS[scheme]
        same_port = (own.port or default) == (other.port or default)
    except ValueError:  # a port that is no number
        return False
    return own.hostname == other.hostname and same_port


def is_visit(scope: Scope) -> bool:
    """Whether somebody follows a link to a page of ours, which no script can read."""
    is_navigation = values(scope, b"sec-fetch-mode") == ["navigate"]
    is_api = str(scope["path"]).startswith(("/api/", "/v1/"))
    return is_navigation and scope["method"] in ("GET", "HEAD") and not is_api
