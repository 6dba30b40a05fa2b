"""Memory of one server with one, two and four workers: the weights must be there once.

`python -m benchmarks.workers`; proportional set sizes of the whole process tree (Linux).
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil
from msgspec import Struct, to_builtins

from app.config import load_settings
from benchmarks import questions
from benchmarks.client import TIMEOUT_SECONDS, BenchmarkError, Reply, answer_of, post
from benchmarks.figures import save, table, verdict
from benchmarks.overhead import numbers
from benchmarks.processes import end_in_order, engines, proportional_set_bytes, tree
from benchmarks.servers import Contender, our_server

TARGET_BYTES = 80e6
REQUESTS_PER_WORKER = 6
ROUNDS = 40
LOOKS = 500
LOOK_SECONDS = 0.01
HEADERS = ("workers", "engines", "engine, MB", "whole tree, MB", "a further worker, MB")


class Memory(Struct, frozen=True):
    """Proportional set sizes in bytes; `answered` counts requests by worker."""

    workers: int
    engines: int
    engine_bytes: int
    total_bytes: int
    answered: list[int]


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    options = _parser().parse_args()
    model = options.model or load_settings().sllm_model_path or ""
    measured = [measure(model, workers) for workers in options.workers]
    rows = list(_rows(measured))
    print(table(HEADERS, rows))
    cost = per_worker(measured[0], measured[-1])
    met = cost <= TARGET_BYTES and all(memory.engines == 1 for memory in measured)
    target = f"target: one engine, <= {TARGET_BYTES / 1e6:.0f} MB a further worker"
    print(f"{target}: {verdict(met)}. MB of 10^6 bytes, proportional set size.")
    save(options.json, to_builtins(measured))
    return int(not met)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("--model", help="a .gguf file or a catalogue name (default: the setting)")
    parser.add_argument("--workers", type=numbers, default=[1, 2, 4], help="such as 1,2,4")
    parser.add_argument("--json", type=Path, help="file for the raw numbers")
    return parser


def _rows(measured: Sequence[Memory]) -> list[tuple[str, ...]]:
    return [
        (
            str(memory.workers),
            str(memory.engines),
            f"{memory.engine_bytes / 1e6:.1f}",
            f"{memory.total_bytes / 1e6:.1f}",
            f"{per_worker(measured[0], memory) / 1e6:.1f}" if memory is not measured[0] else "-",
        )
        for memory in measured
    ]


def per_worker(fewer: Memory, more: Memory) -> float:
    """Bytes that each worker beyond `fewer` costs."""
    return (more.total_bytes - fewer.total_bytes) / max(1, more.workers - fewer.workers)


def measure(model: str, workers: int) -> Memory:
    """Start a server, use every worker, and look at what it holds."""
    with (
        tempfile.TemporaryDirectory() as folder,
        our_server(model, Path(folder), ["--workers", str(workers)]) as server,
    ):
        answered = asyncio.run(_use_all(server, workers))
        engine = engines(server.pid)
        return Memory(
            workers=workers,
            engines=len(engine),
            engine_bytes=sum(proportional_set_bytes(process.pid) for process in engine),
            total_bytes=sum(proportional_set_bytes(process.pid) for process in tree(server.pid)),
            answered=answered,
        )


async def _use_all(server: Contender, workers: int) -> list[int]:
    """Ask until each worker has answered a few: which one takes a connection is the kernel's
    choice."""
    watched = http_workers(server.pid, workers)
    answered: Counter[int] = Counter()
    for _ in range(ROUNDS):
        asked = (_answer(server, f"W{index}", watched) for index in range(2 * workers))
        answered.update(await asyncio.gather(*asked))
        if min(answered[process.pid] for process in watched) >= REQUESTS_PER_WORKER:
            return sorted(answered.values())
    raise BenchmarkError(f"a worker was hardly asked: {answered}")


async def _answer(server: Contender, key: str, watched: Sequence[psutil.Process]) -> int:
    """One whole answer; returns the worker that gave it. One that is ready does not mean that
    the others have found the engine already."""
    for _ in range(LOOKS):
        worker, reply = await _asked(server, key, watched)
        if b'"model_loading"' not in reply.raw:
            answer_of(reply, server.dialect)
            return worker
        await asyncio.sleep(LOOK_SECONDS)
    raise BenchmarkError("a worker does not find the engine")


async def _asked(
    server: Contender, key: str, watched: Sequence[psutil.Process]
) -> tuple[int, Reply]:
    reply = Reply(b"")
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: reply, "127.0.0.1", server.port)
    worker = await _accepted_by(watched, transport.get_extra_info("sockname")[1])
    transport.write(post(server.dialect.path, questions.body(key, 8)))
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await reply.ended
    transport.close()
    return worker, reply


async def _accepted_by(watched: Sequence[psutil.Process], port: int) -> int:
    """The worker that holds the other end of the connection from our `port`."""
    for _ in range(LOOKS):
        for process in watched:
            lines = process.net_connections("tcp")
            if any(line.raddr and line.raddr.port == port for line in lines):
                return process.pid
        await asyncio.sleep(LOOK_SECONDS)
    raise BenchmarkError("no worker has taken the connection")


def http_workers(pid: int, workers: int) -> list[psutil.Process]:
    """The processes that answer HTTP: with one worker the server itself."""
    if workers == 1:
        return [psutil.Process(pid)]
    return [
        child for child in psutil.Process(pid).children() if "spawn_main" in str(child.cmdline())
    ]


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
