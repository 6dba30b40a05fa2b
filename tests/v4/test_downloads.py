"""An answer that is sent while it is read: it ends with its client, and is never cut in silence."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.domain.errors import SllmError
from app.v4 import downloads
from app.v4.downloads import PiecewiseResponse

SCOPE = {"type": "http", "method": "GET", "path": "/"}


class Client:
    """What a server gives to an application; `takes` pieces, then nothing more."""

    def __init__(self, takes: int | None = None, leaves: bool = False) -> None:
        self.sent: list[dict[str, Any]] = []
        self._takes = takes
        self._leaves = leaves
        self._full = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self._full.wait()
        if not self._leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if self._takes is not None and len(self.sent) > self._takes:
            self._full.set()
            await asyncio.Event().wait()


class Source:
    """Endless pieces; knows how many were made and whether it was closed."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.made = 0
        self.closed = False
        self._fails_at = fails_at

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                if self.made == self._fails_at:
                    raise SllmError("overloaded")
                self.made += 1
                yield b"piece"
        finally:
            self.closed = True


async def of(source: Source) -> PiecewiseResponse:
    return await PiecewiseResponse.of(source.pieces(), "application/x-ndjson", {})


async def test_it_ends_with_its_client() -> None:
    source, client = Source(), Client(takes=3, leaves=True)
    await (await of(source))(SCOPE, client.receive, client.send)
    assert source.closed
    assert source.made == 3
    assert client.sent[-1].get("more_body")


async def test_a_client_that_takes_nothing_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "STUCK_SECONDS", 0.05)
    source, client = Source(), Client(takes=3)
    await (await of(source))(SCOPE, client.receive, client.send)
    assert source.closed
    assert client.sent[-1].get("more_body")


async def test_a_failure_before_the_first_piece_is_an_answer() -> None:
    with pytest.raises(SllmError):
        await of(Source(fails_at=0))


async def test_a_failure_later_breaks_the_connection() -> None:
    source, client = Source(fails_at=2), Client()
    with pytest.raises(SllmError):
        await (await of(source))(SCOPE, client.receive, client.send)
    assert source.closed
    assert [message.get("more_body") for message in client.sent] == [None, True, True]


async def test_all_of_it() -> None:
    async def three() -> AsyncGenerator[bytes, None]:
        for piece in (b"a", b"b", b"c"):
            yield piece

    client = Client()
    response = await PiecewiseResponse.of(three(), "text/plain", {"X-Name": "x"})
    await response(SCOPE, client.receive, client.send)
    start, *bodies = client.sent
    assert (b"x-name", b"x") in start["headers"]
    assert [body["body"] for body in bodies] == [b"a", b"b", b"c", b""]
    assert not bodies[-1]["more_body"]
