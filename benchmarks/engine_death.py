"""The engine is killed under running streams: how soon does everybody know, and go on?"""

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from http.client import HTTPException
from pathlib import Path

from msgspec import Struct

from benchmarks import questions
from benchmarks.client import BenchmarkError, Reply, post
from benchmarks.processes import engines
from benchmarks.servers import Contender, health, our_server

LOOK_SECONDS = 0.01
RECOVERY_SECONDS = 120.0
MAX_TOKENS = 400


class Death(Struct, frozen=True):
    """Seconds since the kill: the `error` event of each stream (`codes` are theirs), `/health`
    with 503 and with 200 again; `load` is the new engine process's start until that 200."""

    told: list[float]
    codes: list[str]
    unhealthy: float
    healthy: float
    load: float


def measure(model: str, streams: int) -> Death:
    """One kill, of a server of its own: restarts after the first wait on purpose."""
    with tempfile.TemporaryDirectory() as folder, our_server(model, Path(folder)) as server:
        return asyncio.run(_kill_under(server, streams))


async def _kill_under(server: Contender, streams: int) -> Death:
    replies = [await _open(server, f"K{index}") for index in range(streams)]
    for reply in replies:
        await reply.until(server.dialect.token)
    _check_running(replies)
    (victim,) = engines(server.pid)
    booted, killed_at = time.clock_gettime(time.CLOCK_BOOTTIME), time.perf_counter()
    os.kill(victim.pid, signal.SIGKILL)
    watch = asyncio.create_task(asyncio.to_thread(_health_after, server.port, killed_at))
    async with asyncio.timeout(RECOVERY_SECONDS):
        await asyncio.gather(*(reply.ended for reply in replies))
    unhealthy, healthy = await watch
    (heir,) = engines(server.pid)
    return Death(
        told=[reply.reads[-1][0] - killed_at for reply in replies],
        codes=[_code(reply.raw) for reply in replies],
        unhealthy=unhealthy,
        healthy=healthy,
        load=booted + healthy - _started(heir.pid),
    )


async def _open(server: Contender, key: str) -> Reply:
    request = post(server.dialect.path, questions.body(key, MAX_TOKENS))
    loop = asyncio.get_running_loop()
    _, reply = await loop.create_connection(lambda: Reply(request), "127.0.0.1", server.port)
    return reply


def _check_running(replies: list[Reply]) -> None:
    """The kill must hit all of them in the middle."""
    ended = [reply for reply in replies if reply.ended.done()]
    if ended:
        raise BenchmarkError(f"a stream ended too early: {ended[0].raw[-500:]!r}")


def _health_after(port: int, killed_at: float) -> tuple[float, float]:
    """Seconds until `/health` is 503, and until it is 200 after that."""
    unhealthy = None
    while time.perf_counter() - killed_at < RECOVERY_SECONDS:
        with contextlib.suppress(OSError, HTTPException):
            status, _ = health(port)
            seconds = time.perf_counter() - killed_at
            if status == 503 and unhealthy is None:
                unhealthy = seconds
            if status == 200 and unhealthy is not None:
                return unhealthy, seconds
        time.sleep(LOOK_SECONDS)
    raise BenchmarkError("the server did not recover")


def _code(raw: bytes) -> str:
    """The code of the one `error` event that ended a stream."""
    if raw.count(b"event: error") != 1 or b"event: done" in raw:
        raise BenchmarkError(f"not one error: {raw[-500:]!r}")
    after = raw.split(b'"code":"', 1)[1]
    return after.split(b'"', 1)[0].decode()


def _started(pid: int) -> float:
    """Seconds from the machine's boot to the process's start (proc(5): field 22, in ticks)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")
