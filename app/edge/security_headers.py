"""Headers that keep browsers from guessing types, framing pages, or loading foreign things."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# Swagger UI and ReDoc set style attributes, and ReDoc's search runs in a worker made of a blob.
DOCS_POLICY = f"{PAGE_POLICY}; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


class SecurityHeaders:
    """Adds what is missing; a route that sets its own policy keeps it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), str(scope["path"]))
            await send(message)

        await self.app(scope, receive, send_with_headers)


def add_headers(headers: MutableHeaders, path: str) -> None:
    """Set the headers for the answer at `path`."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Content-Security-Policy", policy_for(headers, path))
    if path.startswith(("/api/", "/v1/")):
        headers.setdefault("Cache-Control", "no-store")


def policy_for(headers: MutableHeaders, path: str) -> str:
    """Pages may load what this server serves; everything else loads nothing at all."""
    if not headers.get("content-type", "").startswith("text/html"):
        return API_POLICY
    is_docs = path in ("/docs", "/redoc") or path.endswith("/docs")
    return DOCS_POLICY if is_docs else PAGE_POLICY
