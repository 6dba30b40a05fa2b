"""Streams beside their client: a comment when nothing is said, an end when nothing is taken."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app import streaming
from app.streaming import EventStream
from app.v2.services.stream_service import StreamEvent

SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": []}


class Client:
    """What a server gives to an application; `takes` messages, then nothing more."""

    def __init__(self, takes: int | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.told = asyncio.Event()
        self._takes = takes

    async def receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        self.told.set()
        if self._takes is not None and len(self.sent) > self._takes:
            await asyncio.Event().wait()

    @property
    def bodies(self) -> list[bytes]:
        return [message["body"] for message in self.sent[1:]]


class Source:
    """Events without end; knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        try:
            while True:
                yield StreamEvent("token", {"text": "word"})
        finally:
            self.closed = True


async def test_a_client_that_takes_nothing_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STUCK_SECONDS", 0.05)
    monkeypatch.setattr(streaming, "PING_SECONDS", 0.02)
    source, client = Source(), Client(takes=3)
    await EventStream(source.events(), SCOPE)(SCOPE, client.receive, client.send)
    assert source.closed
    assert client.bodies == [b'event: token\ndata: {"text":"word"}\n\n'] * 3


async def test_a_client_that_does_not_take_the_comment_has_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "STUCK_SECONDS", 0.05)
    monkeypatch.setattr(streaming, "PING_SECONDS", 0.02)
    client = Client(takes=1)
    await EventStream(silence(asyncio.Event()), SCOPE)(SCOPE, client.receive, client.send)
    assert client.bodies == [streaming.PING]


async def test_a_comment_goes_out_while_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PING_SECONDS", 0.02)
    said, client = asyncio.Event(), Client()
    answer = EventStream(silence(said), SCOPE)(SCOPE, client.receive, client.send)
    running = asyncio.create_task(answer)
    async with asyncio.timeout(30):
        while client.bodies.count(streaming.PING) < 3:
            client.told.clear()
            await client.told.wait()
        said.set()
        await running
    assert client.bodies[-2:] == [b"event: done\ndata: {}\n\n", b""]


async def silence(until: asyncio.Event) -> AsyncGenerator[StreamEvent, None]:
    await until.wait()
    yield StreamEvent("done", {})
