"""Who is calling: an API key in `Authorization: Bearer`, on every route but the static ones."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api_keys import LONGEST_KEY, KeyRing
from app.domain.errors import SllmError
from app.edge.refusal import refuse

LOCAL = "local"
OPEN_PATHS = frozenset({"/health/live", "/ui", "/favicon.ico"})
OPEN_FOLDERS = ("/ui/static/", "/docs/static/")


class Authentication:
    """Puts the key's id into the scope's state as `owner`.

    Reads the path of the scope, never an address built from the Host header.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_open(str(scope["path"])):
            await self.app(scope, receive, send)
            return
        key = presented_key(scope)
        owner = self.keys.owner_of(key) if key is not None else None
        if owner is None:
            await refuse(
                scope, receive, send, SllmError("unauthorized"), {"WWW-Authenticate": "Bearer"}
            )
            return
        scope.setdefault("state", {})["owner"] = owner
        await self.app(scope, receive, send)


def is_open(path: str) -> bool:
    """Whether the path is a page or a sign of life, which hold nothing of anybody."""
    return path in OPEN_PATHS or (path.startswith(OPEN_FOLDERS) and ".." not in path)


def presented_key(scope: Scope) -> str | None:
    """The one Bearer key of the request, or None when there is none, or two."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) != 1:
        return None
    scheme, _, key = values[0].decode("latin-1").partition(" ")
    usable = scheme.lower() == "bearer" and 0 < len(key) <= LONGEST_KEY
    return key if usable else None
