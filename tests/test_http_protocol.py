"""Connections that never finish their headers are closed; honest ones are left alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from app.edge.http_protocol import HEADER_BYTES, GuardedProtocol

REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
LONG = 3600.0


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body, once it is whole."""
    body = b""
    more = True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connection(
    header_seconds: float, idle_seconds: float = LONG
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client of a real listener that speaks the protocol with these deadlines."""
    config = Config(echo, ws="none", lifespan="off", log_config=None)
    config.timeout_keep_alive = idle_seconds  # type: ignore[assignment]

    class Protocol(GuardedProtocol):
        pass

    Protocol.header_seconds = header_seconds
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head.split(b"\r\n")[0] + b" " + await reader.readexactly(2)


async def test_a_silent_connection_is_closed() -> None:
    async with connection(0.05) as (reader, _):
        assert await reader.read() == b""


async def test_headers_that_drip_are_closed_before_they_are_whole() -> None:
    async with connection(0.2) as (reader, writer):
        closed = asyncio.ensure_future(reader.read())
        sent = 0
        for byte in REQUEST + REQUEST:
            writer.write(bytes([byte]))
            sent += 1
            await asyncio.wait([closed], timeout=0.02)
            if closed.done():
                break
        assert closed.result() == b""
        assert 0 < sent < len(REQUEST)


async def test_an_answer_starts_the_clock_again_at_the_next_request_s_first_byte() -> None:
    async with connection(0.1) as (reader, writer):
        writer.write(REQUEST + b"ok")
        assert await answer(reader) == b"HTTP/1.1 200 OK ok"
        writer.write(b"GET / HT")
        assert await reader.read() == b""


async def test_a_connection_idle_after_an_answer_is_closed_by_uvicorn() -> None:
    async with connection(LONG, idle_seconds=0.05) as (reader, writer):
        writer.write(REQUEST + b"ok")
        assert await answer(reader) == b"HTTP/1.1 200 OK ok"
        assert await reader.read() == b""


async def test_a_body_may_take_longer_than_the_headers() -> None:
    async with connection(0.05) as (reader, writer):
        writer.write(REQUEST + b"o")
        done, _ = await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=0.2)
        assert not done, "closed although the headers were whole"


@pytest.mark.parametrize("pieces", [1, 2, 7])
async def test_requests_in_pieces_on_one_connection_are_all_answered(pieces: int) -> None:
    async with connection(LONG) as (reader, writer):
        whole = REQUEST + b"ok"
        size = -(-len(whole) // pieces)
        for _ in range(3):
            for start in range(0, len(whole), size):
                writer.write(whole[start : start + size])
                await writer.drain()
            assert await answer(reader) == b"HTTP/1.1 200 OK ok"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b"x" * HEADER_BYTES + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * HEADER_BYTES + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * HEADER_BYTES * 8,
        b"GET /" + b"x" * HEADER_BYTES * 8,
    ],
    ids=["one large", "many small", "one without end", "a path without end"],
)
async def test_headers_without_measure_are_refused(head: bytes) -> None:
    async with connection(LONG) as (reader, writer):
        writer.write(head)
        try:
            told = await reader.read(12)
        except ConnectionResetError:
            # Closed before it had read everything we sent: the answer may be lost on the way.
            told = b"HTTP/1.1 400"
        assert told == b"HTTP/1.1 400"


async def test_a_large_body_right_behind_the_headers_is_no_header() -> None:
    body = b"x" * HEADER_BYTES * 2
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    async with connection(LONG) as (reader, writer):
        writer.write(head.encode() + body)
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(len(body)) == body


async def test_what_is_no_http_is_told_so_in_the_shape_of_every_error() -> None:
    async with connection(LONG) as (reader, writer):
        writer.write("GET /api/v4/conversations?q=민아 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        error = json.loads(body)["error"]
        assert error["code"] == "invalid_parameter"
        assert "percent-encoded" in error["message"]
        assert f"x-request-id: {error['request_id']}".encode() in head
