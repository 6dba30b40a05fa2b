"""Bounds on request bodies: size, time, and what their headers may claim."""

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.errors import SllmError
from app.edge.refusal import refuse

MIB = 1024 * 1024
DEFAULT_LIMIT = 4 * MIB
RECEIVE_SECONDS = 30.0
# Large bodies take longer; who sends this many bytes a second is not holding a place for nothing.
STEADY_BYTES = 512 * 1024
# What is left of a body this small is cheaper to read than a new connection.
SMALL_REST = 64 * 1024


class BodyGuard:
    """Refuses bodies over the cap (413), late (408), compressed (415) or ambiguous (400).

    `limits` maps path prefixes to bytes, the longest prefix wins; `default` bytes elsewhere.
    `seconds` is the time for the whole body, from the arrival of the headers, beside what its bytes
    take at STEADY_BYTES a second.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Mapping[str, int] | None = None,
        default: int = DEFAULT_LIMIT,
        seconds: float = RECEIVE_SECONDS,
    ) -> None:
        self.app = app
        self.limits = sorted((limits or {}).items(), key=lambda item: -len(item[0]))
        self.default = default
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limit_for(str(scope["path"]))
        error = objection(Headers(scope=scope), limit)
        if error is not None:
            await refuse(scope, receive, send, error)
            return
        body = GuardedBody(scope, receive, send, limit, self.seconds)
        await self.app(scope, body.receive, body.send)

    def limit_for(self, path: str) -> int:
        """The cap in bytes for a request to `path`."""
        return next((size for prefix, size in self.limits if path.startswith(prefix)), self.default)


def objection(headers: Headers, limit: int) -> SllmError | None:
    """What the headers alone already rule out."""
    encodings = headers.getlist("content-encoding")
    if any(encoding.strip().lower() != "identity" for encoding in encodings):
        return SllmError("unsupported_media_type", param="Content-Encoding")
    lengths = headers.getlist("content-length")
    plain = all(length.isascii() and length.isdigit() for length in lengths)
    if len(lengths) > 1 or not plain or (lengths and "transfer-encoding" in headers):
        return SllmError("invalid_parameter", "length_ambiguous", param="Content-Length")
    if lengths and int(lengths[0][:20]) > limit:
        return SllmError("too_large", limit=limit)
    return None


class GuardedBody:
    """Counts and times one request's body as the application reads it."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, limit: int, seconds: float
    ) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._seconds = seconds
        self._arrived = asyncio.get_running_loop().time()
        self._size = 0
        headers = Headers(scope=scope)
        self._expected = int(headers.get("content-length", "0"))
        self._complete = self._expected == 0 and "transfer-encoding" not in headers
        self._chunked = "transfer-encoding" in headers

    async def receive(self) -> Message:
        """The next message. Raises SllmError `too_large` or `request_timeout`."""
        if self._complete:
            return await self._receive()
        seconds = self._seconds + self._size / STEADY_BYTES
        try:
            async with asyncio.timeout_at(self._arrived + seconds):
                message = await self._receive()
        except TimeoutError:
            raise SllmError("request_timeout", seconds=f"{seconds:.3g}") from None
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
        if self._size > self._limit:
            self._complete = False
            raise SllmError("too_large", limit=self._limit)
        return message

    async def send(self, message: Message) -> None:
        """Pass on the answer; a connection with an unread body behind it ends with it."""
        if message["type"] == "http.response.start" and not self._complete:
            rest = self._expected - self._size
            if self._chunked or rest > SMALL_REST or message["status"] in (408, 413):
                MutableHeaders(scope=message)["Connection"] = "close"
        await self._send(message)
