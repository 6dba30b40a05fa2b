"""Server-sent events, and noticing that a client has gone; nothing about chats."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Protocol

import msgspec
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.domain.errors import SllmError
from app.edge.observation import note_error
from app.errors import render, render_openai, request_id_of, scope_language

PING_SECONDS = 10.0
STUCK_SECONDS = 30.0
PING = b": ping\n\n"
# Line breaks to many a client (Python's splitlines), though not to the standard: NEL, LS, PS.
_LINE_BREAKS = (
    (b"\xc2\x85", b"\\u0085"),
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
)
_encode = msgspec.json.Encoder().encode


class NamedEvent(Protocol):
    """An event's name, empty for one without, and its data: a struct, a pydantic model, a
    dictionary, an SllmError, or bytes that are sent as they are."""

    @property
    def name(self) -> str: ...

    @property
    def data(self) -> Any: ...


class EventStream(Response):
    """Sends events until they end or the client has gone; then `events` is closed at once.

    A comment goes out when nothing else has for PING_SECONDS. A client that takes nothing for
    STUCK_SECONDS is treated as gone.
    """

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncGenerator[NamedEvent, None], scope: Scope, status_code: int = 200
    ) -> None:
        self._events = events
        self._scope = scope
        self._sent_at = time.monotonic()
        self._sending_since: float | None = None
        super().__init__(
            status_code=status_code,
            headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
        )
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tasks = [
            asyncio.create_task(work)
            for work in (self._pump(send), self._watch(send), wait_until_gone(receive))
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, TimeoutError):
                raise outcome

    async def _pump(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            start = {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
            await send(start)
            async for event in events:
                await self._send(send, self._encoded(event))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch(self, send: Send) -> None:
        """Ping where nothing has been said; return when the client is stuck. A look now and then
        costs less than a deadline of its own for every event."""
        while True:
            now = time.monotonic()
            since = self._sending_since
            due = self._sent_at + PING_SECONDS if since is None else since + STUCK_SECONDS
            if now < due:
                await asyncio.sleep(min(due - now, PING_SECONDS))
            elif since is None:
                async with asyncio.timeout(STUCK_SECONDS):
                    await send({"type": "http.response.body", "body": PING, "more_body": True})
                self._sent_at = time.monotonic()
            else:
                return

    async def _send(self, send: Send, body: bytes) -> None:
        self._sending_since = time.monotonic()
        await send({"type": "http.response.body", "body": body, "more_body": True})
        self._sent_at = time.monotonic()
        self._sending_since = None

    def _encoded(self, event: NamedEvent) -> bytes:
        data = self._json(event.data)
        for raw, escaped in _LINE_BREAKS:
            data = data.replace(raw, escaped)
        name = b"event: %b\n" % event.name.encode() if event.name else b""
        return name + b"data: %b\n\n" % data

    def _json(self, data: Any) -> bytes:
        if isinstance(data, bytes):
            return data
        if isinstance(data, BaseModel):
            return data.model_dump_json().encode()
        if isinstance(data, SllmError):
            note_error(self._scope, data.code)
            data = self.told(data, scope_language(self._scope))
        return _encode(data)

    def told(self, error: SllmError, language: str) -> dict[str, Any]:
        """The data of an event that is an error."""
        return render(error, language, request_id_of(self._scope))


class OpenAiStream(EventStream):
    """The same with errors as OpenAI's clients know them."""

    def told(self, error: SllmError, language: str) -> dict[str, Any]:
        return render_openai(error, language)


async def wait_until_gone(receive: Receive) -> None:
    """Return when the client has disconnected. The request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def unless_gone(request: Request) -> AsyncIterator[None]:
    """Cancel what runs inside when the client goes away; ClientDisconnect is raised then."""
    work = asyncio.current_task()
    assert work is not None
    gone = asyncio.create_task(wait_until_gone(request.receive))

    def stop(watcher: "asyncio.Task[None]") -> None:
        if not watcher.cancelled():
            work.cancel()

    gone.add_done_callback(stop)
    try:
        yield
    except asyncio.CancelledError:
        if not gone.done() or work.uncancel() > 0:
            raise
        raise ClientDisconnect from None
    finally:
        gone.remove_done_callback(stop)
        gone.cancel()
