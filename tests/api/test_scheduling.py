"""Queue, fairness, deadlines and cancellation through HTTP, on the scripted engine."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import PATIENCE, Server, events, running, sse

SLOW = "#words=400 #pace=20"


@pytest.fixture(scope="module")
def one_slot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"SLLM_MODEL_PATH": "scripted", "PARALLEL_SLOTS": "1", "QUEUE_LIMIT": "2"}
    with running(tmp_path_factory.mktemp("one"), settings) as server:
        yield server


@pytest.fixture(autouse=True)
def _left_idle(one_slot: Server) -> Iterator[None]:
    yield
    one_slot.wait_idle()
    assert "Traceback" not in one_slot.log


class Reader:
    """A streamed chat that can be left at any moment."""

    def __init__(self, server: Server, message: str) -> None:
        self._context = server.http.stream(
            "POST", "/api/v2/chat/stream", json={"message": message, "max_tokens": 1000}
        )
        self.response = self._context.__enter__()
        self.events = sse(self.response.iter_lines())

    def until(self, name: str) -> Any:
        return next(data for seen, data in self.events if seen == name)

    def leave(self) -> None:
        self._context.__exit__(None, None, None)


def waiting(server: Server) -> int:
    count: int = server.health()["queue"]["waiting"]
    return count


def test_who_waits_is_told_the_position(one_slot: Server) -> None:
    first = Reader(one_slot, SLOW)
    first.until("token")
    second, third = Reader(one_slot, "#words=1"), Reader(one_slot, "#words=1")
    assert second.until("queue")["position"] == 1
    assert third.until("queue")["position"] == 2
    first.leave()
    assert third.until("queue")["position"] == 1
    second.until("done")
    third.until("done")


def test_one_too_many_is_refused_at_once_with_retry_after(one_slot: Server) -> None:
    readers = [Reader(one_slot, SLOW) for _ in range(3)]
    answer = one_slot.chat("one too many")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "overloaded"
    assert int(answer.headers["retry-after"]) >= 1
    for reader in readers:
        reader.leave()


def test_leaving_the_queue_gives_up_the_place_and_nobody_else_s(one_slot: Server) -> None:
    first, second = Reader(one_slot, "#words=60 #pace=20"), Reader(one_slot, SLOW)
    second.until("queue")
    second.leave()
    done = first.until("done")
    assert done["usage"]["completion_tokens"] == 60


@pytest.mark.parametrize("message", [SLOW, "#prefill=200 " + "word " * 3000])
def test_leaving_while_decoding_or_prefilling_frees_the_slot(
    one_slot: Server, message: str
) -> None:
    reader = Reader(one_slot, message)
    reader.until("token" if message == SLOW else "prefill")
    reader.leave()
    assert events(one_slot, "#words=1")[-1][0] == "done"


async def test_leaving_a_plain_request_frees_the_slot(one_slot: Server) -> None:
    async with httpx.AsyncClient(base_url=one_slot.url, timeout=PATIENCE) as client:
        task = asyncio.create_task(client.post("/api/v1/chat", json={"message": SLOW}))
        while not (await client.get("/health")).json()["models"]["text"]["slots"]["busy"]:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        answer = await client.post("/api/v1/chat", json={"message": "#words=1"})
    assert answer.status_code == 200


def test_five_hundred_leavers_leave_nothing_behind(one_slot: Server) -> None:
    one_slot.chat("warm up")
    processes = [one_slot.engines()[0], one_slot.root()]
    before = [(process.num_fds(), process.num_threads()) for process in processes]
    asyncio.run(leave_at_random(one_slot.url, 500))
    one_slot.wait_idle()
    one_slot.wait_until(
        lambda: [(process.num_fds(), process.num_threads()) for process in processes] <= before
    )


async def leave_at_random(url: str, count: int) -> None:
    """Start `count` chats, 50 at a time, and drop each connection at another moment."""
    gate = asyncio.Semaphore(50)

    async def one(number: int) -> None:
        async with gate, httpx.AsyncClient(base_url=url) as client:
            route = "/api/v1/chat" if number % 5 == 0 else "/api/v2/chat/stream"
            message = ("word " * (number % 7 * 300)) + "#words=40 #pace=5 #prefill=5"
            timeout = (number * 37 % 100) / 250 + 0.001
            try:
                await client.post(route, json={"message": message}, timeout=timeout)
            except httpx.TransportError:
                return

    await asyncio.gather(*(one(number) for number in range(count)))


def test_a_deadline_ends_what_waits_and_what_runs(tmp_path: Path) -> None:
    settings = {
        "SLLM_MODEL_PATH": "scripted",
        "PARALLEL_SLOTS": "1",
        "REQUEST_DEADLINE_SECONDS": "1",
    }
    with running(tmp_path, settings) as server:
        stream = events(server, SLOW, max_tokens=1000)
        assert stream[-1][0] == "error"
        assert stream[-1][1]["error"]["code"] == "deadline_exceeded"
        answer = server.chat(SLOW, max_tokens=1000)
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline_exceeded")
        server.wait_idle()


def test_a_rate_limit_is_one_budget_for_all_workers(tmp_path: Path) -> None:
    settings = {"SLLM_MODEL_PATH": "scripted", "RATE_LIMIT": "5"}
    with running(tmp_path, settings, "--workers", "2") as server:
        codes = []
        for _ in range(7):
            with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
                answer = client.post("/api/v1/chat", json={"message": "#words=1"})
            codes.append(answer.status_code)
            if answer.status_code == 429:
                assert int(answer.headers["retry-after"]) >= 1
    assert codes[:5] == [200] * 5
    assert codes[5:] == [429] * 2
