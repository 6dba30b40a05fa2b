"""Clients that leave at random moments: does the server get everything back?"""

import asyncio
import contextlib
import itertools
import random
import socket
import struct
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Literal

import psutil
from msgspec import Struct

from benchmarks import questions
from benchmarks.client import BenchmarkError, Reply, answer_of, ask, post
from benchmarks.engine_death import LOOK_SECONDS
from benchmarks.processes import Held, engines
from benchmarks.servers import Contender, health, our_server

Kind = Literal["queued", "prefill", "decode", "not streamed"]
KINDS: tuple[Kind, ...] = ("queued", "prefill", "decode", "not streamed")
# What a client waits to see before it counts the time until it leaves.
AWAITED: dict[Kind, tuple[bytes, ...]] = {
    "prefill": (b"event: prefill", b"event: token"),
    "decode": (b"event: token",),
}
LONG_WORDS = 240
LONGEST_STAY_SECONDS = 1.0
# A linger time of zero makes close() send RST instead of FIN.
RESET = struct.pack("ii", 1, 0)
SETTLE_SECONDS = 60.0
CROWD_SECONDS = 900.0
# Somebody else, as far as fairness between clients is concerned.
OTHER_ADDRESS = "127.0.0.2"


class Leaving(Struct, frozen=True):
    """What was left behind. `left` counts clients by the moment in which they left; seconds
    are counted from the last client's leaving until slots and queue were empty, and until
    descriptors and threads were back."""

    left: dict[str, int]
    idle_seconds: float
    baseline: dict[str, Held]
    afterwards: dict[str, Held]
    back_seconds: float
    honest_answers: int
    same_engine: bool

    @property
    def clean(self) -> bool:
        """Nothing is left behind, and nobody else has suffered."""
        kept_up = self.same_engine and self.honest_answers > 0
        return kept_up and _within(self.afterwards, self.baseline)


def measure(model: str, clients: int, at_once: int, seed: int = 1) -> Leaving:
    """A server of its own; `seed` decides who leaves when and how."""
    with tempfile.TemporaryDirectory() as folder, our_server(model, Path(folder)) as server:
        return asyncio.run(_measure(server, clients, at_once, random.Random(seed)))


async def _measure(server: Contender, clients: int, at_once: int, dice: random.Random) -> Leaving:
    await _crowd(server, at_once, at_once, dice)  # until pools have their size
    await _until_idle(server)
    parts = {"api": psutil.Process(server.pid), "engine": engines(server.pid)[0]}
    baseline = await _lowest(parts)
    honest = asyncio.create_task(_honest(server))
    left = await _crowd(server, clients, at_once, dice)
    honest.cancel()
    (answers,) = await asyncio.gather(honest, return_exceptions=True)
    gone_at = time.perf_counter()
    await _until_idle(server)
    idle = time.perf_counter() - gone_at
    afterwards = await _back_to(baseline, parts)
    return Leaving(
        left=dict(left),
        idle_seconds=idle,
        baseline=baseline,
        afterwards=afterwards,
        back_seconds=time.perf_counter() - gone_at,
        honest_answers=answers if isinstance(answers, int) else 0,
        same_engine=[engine.pid for engine in engines(server.pid)] == [parts["engine"].pid],
    )


async def _crowd(
    server: Contender, clients: int, at_once: int, dice: random.Random
) -> Counter[str]:
    """All come, never more than `at_once` together, and leave."""
    room = asyncio.Semaphore(at_once)
    left: Counter[str] = Counter()

    async def visit(number: int, stay: float, reset: bool) -> None:
        async with room:
            left[await _visit(server, number, stay, reset)] += 1

    async with asyncio.timeout(CROWD_SECONDS), asyncio.TaskGroup() as group:
        for number in range(clients):
            stay = dice.uniform(0, LONGEST_STAY_SECONDS)
            group.create_task(visit(number, stay, dice.random() < 0.5))
    return left


async def _visit(server: Contender, number: int, stay: float, reset: bool) -> str:
    """One client; returns in which moment it left."""
    kind = KINDS[number % len(KINDS)]
    reply = await _enter(server, kind, f"L{number}")
    if kind in AWAITED:
        await reply.until(*AWAITED[kind])
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(reply.ended), stay)
    assert reply.transport is not None
    if reset and not reply.transport.is_closing():
        line: socket.socket = reply.transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    reply.transport.close()
    return moment(kind, reply.raw, reply.ended.done())


async def _enter(server: Contender, kind: Kind, key: str) -> Reply:
    words = LONG_WORDS if kind == "prefill" else questions.WORDS
    path = "/api/v1/chat" if kind == "not streamed" else server.dialect.path
    request = post(path, questions.body(key, 200, words))
    loop = asyncio.get_running_loop()
    _, reply = await loop.create_connection(lambda: Reply(request), "127.0.0.1", server.port)
    return reply


def moment(kind: Kind, raw: bytes, ended: bool) -> str:
    """What the request was in, as far as the client could see."""
    if ended:
        return "answered" if raw.startswith(b"HTTP/1.1 200") else "refused"
    if kind == "not streamed":
        return kind
    if b"event: token" in raw:
        return "decode"
    if b"event: prefill" in raw:
        return "prefill"
    return "queue" if b"event: queue" in raw else "arrival"


async def _honest(server: Contender) -> int:
    """A client that stays: how many whole answers it got. Raises when one fails."""
    for number in itertools.count():
        try:
            request = server.dialect.request(f"H{number}", 16)
            answer_of(await ask(server.port, request, OTHER_ADDRESS), server.dialect)
        except asyncio.CancelledError:
            return number
    raise AssertionError("itertools.count() has ended")


async def _until_idle(server: Contender) -> None:
    """Until `/health` tells of no busy slot and nobody waiting."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        _, body = await asyncio.to_thread(health, server.port)
        if not body["models"]["text"]["slots"]["busy"] and not body["queue"]["waiting"]:
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise BenchmarkError(f"still busy: {body['models']['text']['slots']}, {body['queue']}")


def _held(parts: dict[str, psutil.Process]) -> dict[str, Held]:
    return {name: Held.by([process]) for name, process in parts.items()}


async def _lowest(parts: dict[str, psutil.Process]) -> dict[str, Held]:
    """What is held once connections kept for reuse have timed out (15 s at most)."""
    held = _held(parts)
    for _ in range(20):
        await asyncio.sleep(1)
        now = _held(parts)
        held = now if _within(now, held) else held
    return held


async def _back_to(baseline: dict[str, Held], parts: dict[str, psutil.Process]) -> dict[str, Held]:
    """What is held as soon as that is the baseline, or at the end of patience."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        held = _held(parts)
        if _within(held, baseline) or time.monotonic() > end:
            return held
        await asyncio.sleep(0.2)


def _within(held: dict[str, Held], limit: dict[str, Held]) -> bool:
    return all(held[name].within(most) for name, most in limit.items())
