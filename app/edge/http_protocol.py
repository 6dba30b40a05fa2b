"""uvicorn's HTTP protocol with a deadline and a size for request headers, which it lacks itself.

A body that comes too slowly is `app/edge/body_guard.py`'s business.
"""

import asyncio

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.domain.errors import SllmError
from app.edge.access_log import log_unreadable
from app.edge.request_id import new_request_id
from app.errors import response

HEADER_SECONDS = 10.0
# Bytes of the request line and all headers together.
HEADER_BYTES = 65_536


class GuardedProtocol(HttpToolsProtocol):
    """Closes a connection whose next request's headers are not whole in time.

    The clock runs from the connection's start, and from each answer's end (there uvicorn's own
    `timeout_keep_alive` closes a connection that stays silent). It counts the time for all
    headers together, so a byte now and then does not help; nobody is waiting for an answer
    then, so none is sent.
    """

    header_seconds = HEADER_SECONDS
    _deadline: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected: its first request is due."""
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """The first bytes after an answer start the clock again; uvicorn stopped its own."""
        idle = self.timeout_keep_alive_task is not None
        if idle and self._deadline is None:
            self._expect_headers()
        super().data_received(data)
        if self._deadline is not None:
            self._limit_unfinished(len(data))

    def on_headers_complete(self) -> None:
        """The headers are whole: from here on the application watches the body."""
        self._forget_deadline()
        fields = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) + fields > HEADER_BYTES:
            # The parser wraps it, and uvicorn answers 400 and closes.
            raise ValueError("request headers are too large")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is answered as every other mistake is; there is no path to tell by."""
        request_id = new_request_id()
        scope: Scope = {
            "type": "http", "method": "-", "path": "-", "headers": [],
            "state": {"request_id": request_id},
        }  # fmt: skip
        answer = response(scope, SllmError("invalid_parameter", "invalid_http"))
        lines = [b"HTTP/1.1 400 Bad Request"]
        lines += [name + b": " + value for name, value in answer.raw_headers]
        lines += [b"x-request-id: " + request_id.encode(), b"connection: close", b"", b""]
        self.transport.write(b"\r\n".join(lines) + bytes(answer.body))
        self.transport.close()
        log_unreadable(scope, self.app_state.get("observers", ()))

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._forget_deadline()
        super().connection_lost(exc)

    def _limit_unfinished(self, received: int) -> None:
        """Headers in many pieces: the parser would collect one without end."""
        self._received += received
        if self._received > HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response("Request headers are too large.")

    def _expect_headers(self) -> None:
        self._received = 0
        self._deadline = self.loop.call_later(self.header_seconds, self._close_late)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close_late(self) -> None:
        self._deadline = None
        self.transport.close()
