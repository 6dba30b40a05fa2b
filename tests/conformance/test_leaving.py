"""Clients that go away: in decode, in prefill, in the queue. Their slot is free for others."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from tests.conformance.columns import SLOTS
from tests.conformance.test_answers import ENDLESS, answered, form
from tests.support import Server, sse

pytestmark = pytest.mark.weights
Events = Iterator[tuple[str, Any]]


@contextmanager
def streaming(server: Server, message: str, **options: Any) -> Iterator[Events]:
    """A stream that is left at the end of the block."""
    body = {"message": message, "temperature": 0, **options}
    with server.http.stream("POST", "/api/v2/chat/stream", json=body) as response:
        assert response.status_code == 200, response.read()
        with closing(response.iter_lines()) as lines:  # type: ignore[type-var]
            yield sse(lines)


@contextmanager
def decoding(server: Server) -> Iterator[Events]:
    """A stream that has its first token, and a long way to go."""
    with streaming(server, "Tell a story.", max_tokens=440, response_format=form(ENDLESS)) as told:
        until(told, "token")
        yield told


def until(told: Events, name: str) -> None:
    assert any(event == name for event, _ in told), name


def busy(server: Server) -> int:
    slots: int = server.health()["models"]["text"]["slots"]["busy"]
    return slots


def waiting(server: Server) -> int:
    count: int = server.health()["queue"]["waiting"]
    return count


def test_leaving_in_decode(server: Server) -> None:
    """Of four answers one is left: a fifth request has its slot while the others go on."""
    with ExitStack() as others:
        told = [others.enter_context(decoding(server)) for _ in range(SLOTS - 1)]
        with decoding(server):
            server.wait_until(lambda: busy(server) == SLOTS)
        server.wait_until(lambda: busy(server) == SLOTS - 1)
        assert answered(server, "Hi", max_tokens=1)["usage"]["completion_tokens"] == 1
        for stream in told:
            until(stream, "token")
    server.wait_idle()


def test_leaving_in_the_queue(server: Server) -> None:
    """Who waits and leaves is gone from the queue, and nobody else's slot with them."""
    with ExitStack() as others:
        for _ in range(SLOTS):
            others.enter_context(decoding(server))
        with streaming(server, "Hi", max_tokens=4) as told:
            until(told, "queue")
            server.wait_until(lambda: waiting(server) == 1)
        server.wait_until(lambda: waiting(server) == 0)
        assert busy(server) == SLOTS
    server.wait_idle()


def test_leaving_in_prefill(server: Server) -> None:
    """A prompt that is left is not computed to its end: the cache shows how far it came."""
    message = " ".join(f"item {number}," for number in range(80))
    with streaming(server, message, max_tokens=4):
        server.wait_until(lambda: busy(server) == 1)
    server.wait_idle()
    usage = answered(server, message, max_tokens=1)["usage"]
    assert usage["prompt_tokens"] > 300
    assert usage["cached_tokens"] < usage["prompt_tokens"] - 2
