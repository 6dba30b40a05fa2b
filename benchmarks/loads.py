"""Weights are loaded and unloaded again and again through the engine process: what stays behind?

`python -m benchmarks.loads --onnx FOLDER --count 200`. This process does what an API worker does.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import psutil
from msgspec import Struct, structs

from app.config import Settings
from app.domain.generation import Finished, GenerationRequest
from app.domain.messages import Message
from app.domain.options import GenerationOptions
from app.engine.client import EngineClient
from app.engine.lifeline import kill
from app.engine.runtime_dir import runtime_directory
from app.engine.supervisor import Supervisor
from app.provider.preparation import Preparation
from app.provider.sllm_provider import preparation
from benchmarks.client import BenchmarkError
from benchmarks.figures import save, table, verdict

LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 120.0
# Allocators keep what they once had; what grows with the loads does not stop here.
GROWTH_BYTES = 2 * 1024 * 1024
WARM_LOADS = 20


class Left(Struct, frozen=True):
    """What there is after `loads` loads. Bytes resident in this process, its descriptors and
    threads, its child processes, runtime directories of its engines, and the bytes that the
    machine has free for programs."""

    loads: int
    resident: int
    descriptors: int
    threads: int
    children: int
    directories: int
    available: int

    @classmethod
    def now(cls, loads: int, server: Path) -> "Left":
        gc.collect()
        own = psutil.Process()
        return cls(
            loads=loads,
            resident=own.memory_info().rss,
            descriptors=own.num_fds(),
            threads=own.num_threads(),
            children=len(own.children(recursive=True)),
            directories=len(list(server.glob("*"))) if server.exists() else 0,
            available=psutil.virtual_memory().available,
        )

    def holds_no_more_than(self, other: "Left") -> bool:
        """Except for memory."""
        mine = (self.descriptors, self.threads, self.children, self.directories)
        theirs = (other.descriptors, other.threads, other.children, other.directories)
        return all(few <= many for few, many in zip(mine, theirs, strict=True))


async def measure(folder: Path, count: int, looks: Sequence[int]) -> list[Left]:
    """Load and unload `count` times; what is left after each number of loads in `looks`.

    The first load imports and opens what every worker holds, so 0 in `looks` is before, 1 after.
    """
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(sllm_model_path=str(folder), data_dir=Path(data), use_gpu="false")
        prepared = preparation(settings)
        server = runtime_directory("loads").parent
        (server / "loads").rmdir()
        found = []
        for loads in range(count + 1):
            if loads:
                await load_once(prepared)
            if loads in looks:
                found.append(Left.now(loads, server))
    return found


async def load_once(prepared: Preparation) -> None:
    """An engine starts, answers once, and is let go; returns when its process is gone."""
    supervisor = Supervisor(runtime_directory("loads"), prepared.prepare)
    supervisor.start()
    try:
        client = await _ready(supervisor)
        engine = client.pid
        await _ask(client)
    finally:
        await supervisor.stop()
    await _gone(engine)


async def _ready(supervisor: Supervisor) -> EngineClient:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        status = supervisor.status
        if status.state == "failed":
            raise BenchmarkError(f"cannot be loaded: {status.reason}")
        if status.state == "ready":
            return supervisor.client
        await asyncio.sleep(LOOK_SECONDS)
    raise BenchmarkError("never ready")


async def _ask(client: EngineClient) -> None:
    options = GenerationOptions(max_tokens=4, temperature=0)
    request = GenerationRequest(
        (Message("user", "Hi"),), options, client="loads", arrived_at=time.monotonic()
    )
    async with aclosing(client.generate(request)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return
    raise BenchmarkError("no answer")


async def _gone(pid: int) -> None:
    """Until the process is gone, and with it the thread in which asyncio waits for its end."""
    end = time.monotonic() + PATIENCE_SECONDS
    while psutil.pid_exists(pid) or any("waitpid" in each.name for each in threading.enumerate()):
        if time.monotonic() > end:
            kill(pid)
            raise BenchmarkError("the engine does not end")
        await asyncio.sleep(LOOK_SECONDS)


def report(left: Sequence[Left]) -> str:
    """The table, and whether it is as it should be."""
    rows = [
        [
            str(each.loads),
            f"{each.resident / 1e6:.1f}",
            str(each.descriptors),
            str(each.threads),
            str(each.children),
            str(each.directories),
            f"{each.available / 1e6:.0f}",
        ]
        for each in left
    ]
    heads = ["loads", "resident MB", "fd", "threads", "children", "directories", "available MB"]
    warm, last = _warm(left), left[-1]
    grown = last.resident - warm.resident
    met = verdict(last.holds_no_more_than(warm) and grown <= GROWTH_BYTES)
    end = f"{grown / 1e6:+.1f} MB resident in this process since load {warm.loads}: {met}"
    return table(heads, rows) + "\n\n" + end


def _warm(left: Sequence[Left]) -> Left:
    """From when on nothing may grow."""
    return next((each for each in left if each.loads >= min(WARM_LOADS, left[-1].loads)), left[-1])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--onnx", type=Path, required=True, help="a folder of ONNX weights")
    parser.add_argument("--count", type=int, default=200, help="how often (default 200)")
    parser.add_argument("--output", type=Path, help="write the raw figures here, as JSON")
    options = parser.parse_args(arguments)
    looks = sorted({0, 1, WARM_LOADS, options.count // 2, options.count})
    left = asyncio.run(measure(options.onnx, options.count, looks))
    print(report(left))
    save(options.output, [structs.asdict(each) for each in left])
    return 0


if __name__ == "__main__":
    sys.exit(main())
