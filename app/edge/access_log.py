"""One log line per request, that no request can forge; bodies and query strings stay out. What
else watches requests is told of the same ends."""

import logging
import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.observation import RequestEnd, RequestObserver, noted_error, observers_of
from app.edge.route_names import UNMATCHED, method_of, route_of
from app.logs.context import request_id

logger = logging.getLogger("sllm.access")

CLIENT_LEFT = 499
LONGEST_PATH = 256


class AccessLog:
    """Logs method, raw path, status and milliseconds once the answer has ended; the formatter
    adds the request id. `scope["state"]["arrived_at"]` is when the request came, by
    CLOCK_MONOTONIC."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(receive, send)
        started = time.monotonic()
        # What a generation's timings and deadline count from: an upload is part of it.
        scope.setdefault("state", {})["arrived_at"] = started
        endings = [observer.begin(scope) for observer in observers_of(scope)]
        try:
            await self.app(scope, exchange.receive, exchange.send)
        finally:
            seconds = time.monotonic() - started
            end = RequestEnd(
                method_of(scope), route_of(scope), exchange.outcome, seconds, noted_error(scope)
            )
            log_line(str(scope["method"]), plain_path(scope), end)
            for ending in endings:
                ending(end)


def log_unreadable(scope: Scope, observers: Iterable[RequestObserver]) -> None:
    """A request that never came to the application: it was no HTTP, and answered 400."""
    end = RequestEnd(method_of(scope), UNMATCHED, 400, 0.0, noted_error(scope))
    token = request_id.set(scope["state"]["request_id"])
    log_line(scope["method"], scope["path"], end)
    request_id.reset(token)
    for observer in observers:
        observer.begin(scope)(end)


def log_line(method: str, path: str, end: RequestEnd) -> None:
    """The same as text and as fields of a JSON line."""
    milliseconds = end.seconds * 1000
    fields = {
        "method": method,
        "path": path,
        "route": end.route,
        "status": end.status,
        "duration_ms": round(milliseconds, 1),
    }
    if end.error:
        fields["error"] = end.error
    words = (method, path, end.status, milliseconds)
    logger.info("%s %s %d %.1fms", *words, extra={"fields": fields})


class Exchange:
    """Watches both directions of one request for how it ends."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._status = 500
        self._ended = False
        self._left = False

    async def receive(self) -> Message:
        """The client's next message; its leaving is noted."""
        message = await self._receive()
        self._left |= message["type"] == "http.disconnect" and not self._ended
        return message

    async def send(self, message: Message) -> None:
        """Pass on the answer; its status and end are noted."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self._ended = True
        await self._send(message)

    @property
    def outcome(self) -> int:
        """The status sent, or 499 if the client left before the end."""
        return CLIENT_LEFT if self._left else self._status


def plain_path(scope: Scope) -> str:
    """The path as it was on the wire, cut, with everything unprintable escaped."""
    raw: bytes = scope.get("raw_path") or str(scope["path"]).encode("utf-8")
    text = raw[:LONGEST_PATH].decode("latin-1")
    return "".join(char if "!" <= char <= "~" else f"\\x{ord(char):02x}" for char in text)
