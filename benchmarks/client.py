"""A light streaming client: one socket a request, the clock read when bytes arrive, parsing
only after the end. The same code measures every server.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from benchmarks import questions

TIMEOUT_SECONDS = 300.0


class BenchmarkError(Exception):
    """A server did not do what is to be measured; `str()` says what it did instead."""


@dataclass(frozen=True)
class Dialect:
    """How one server is asked for a stream. `token` appears once in every event that carries
    text, `usage` is the key path from the last event's JSON to its token counts."""

    path: str
    token: bytes
    cached: tuple[str, ...]
    extra: dict[str, Any] = field(default_factory=dict)

    def request(self, key: str, max_tokens: int, words: int = questions.WORDS) -> bytes:
        return post(self.path, questions.body(key, max_tokens, words) | self.extra)


OURS = Dialect("/api/v2/chat/stream", b"event: token\n", ("cached_tokens",))
LLAMA_SERVER = Dialect(
    "/v1/chat/completions",
    b'"delta":{"content":"',
    ("prompt_tokens_details", "cached_tokens"),
    {"stream": True, "stream_options": {"include_usage": True}},
)


@dataclass(frozen=True)
class Answer:
    """One stream: seconds since the clock `time.perf_counter` started, and tokens."""

    first_at: float
    last_at: float
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


def post(path: str, body: dict[str, Any]) -> bytes:
    data = msgspec.json.encode(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + data


class Reply(asyncio.Protocol):
    """Sends one request and notes what arrives when."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.reads: list[tuple[float, bytes]] = []
        self.more = asyncio.Event()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.reads.append((time.perf_counter(), data))
        self.more.set()
        if data.endswith(b"\r\n0\r\n\r\n") or data == b"0\r\n\r\n":
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        self.more.set()
        if not self.ended.done():
            self.ended.set_result(None)

    def leave(self) -> None:
        if self.transport is not None:
            self.transport.close()

    @property
    def raw(self) -> bytes:
        return b"".join(data for _, data in self.reads)

    async def until(self, *marks: bytes) -> None:
        """Wait for any of `marks` in what has arrived, or for the end."""
        while not self.ended.done() and not any(mark in self.raw for mark in marks):
            self.more.clear()
            await self.more.wait()

    def arrived(self, offset: int) -> float:
        """When the byte at `offset` of `raw` came."""
        for at, data in self.reads:
            offset -= len(data)
            if offset < 0:
                return at
        raise BenchmarkError("the answer ended early")


async def begin(port: int, request: bytes, source: str | None = None) -> Reply:
    """Send `request` over a connection of its own, from the loopback address `source`; the reply
    goes on arriving. Closing its `transport` leaves."""
    reply = Reply(request)
    local = (source, 0) if source else None
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: reply, "127.0.0.1", port, local_addr=local)
    return reply


async def ask(port: int, request: bytes, source: str | None = None) -> Reply:
    """The whole reply to `request`. Raises TimeoutError."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        reply = await begin(port, request, source)
        try:
            await reply.ended
        finally:
            reply.leave()
    return reply


async def ask_stream(
    port: int, dialect: Dialect, key: str, max_tokens: int, words: int = questions.WORDS
) -> Answer:
    """Raises BenchmarkError for anything but an answer that came to its end."""
    reply = await ask(port, dialect.request(key, max_tokens, words))
    return answer_of(reply, dialect)


def token_times(reply: Reply, dialect: Dialect) -> list[float]:
    """When each event with text came, so far."""
    times, raw, at = [], reply.raw, -1
    while (at := raw.find(dialect.token, at + 1)) >= 0:
        times.append(reply.arrived(at))
    return times


def answer_of(reply: Reply, dialect: Dialect) -> Answer:
    raw = reply.raw
    first, last = raw.find(dialect.token), raw.rfind(dialect.token)
    usage = _usage(raw)
    if not raw.startswith(b"HTTP/1.1 200") or first < 0 or usage is None:
        raise BenchmarkError(raw[:2000].decode(errors="replace") or "nothing was answered")
    cached: Any = usage
    for key in dialect.cached:
        cached = cached.get(key, {})
    return Answer(
        first_at=reply.arrived(first),
        last_at=reply.arrived(last),
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage["completion_tokens"],
        cached_tokens=cached or 0,
    )


def _usage(raw: bytes) -> dict[str, Any] | None:
    """The token counts, which both servers send in one of the last events."""
    for line in reversed(raw.split(b"\n")):
        if line.startswith(b"data: {") and b'"usage":{' in line:
            found: dict[str, Any] = msgspec.json.decode(line[6:])["usage"]
            return found
    return None
