"""What this process and all others use of the cores that it may run on, and how long its threads
wait for one, from /proc.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# The kernel gives a nice 10 program a ninth of what it gives an equal: hardly a neighbour.
NICED_WEIGHT = 0.1


@dataclass(frozen=True)
class Look:
    """Over some moment, in cores of the `cores` that are allowed: what we used, what others did
    (niced ones by their weight), and what nobody did. `waited` is the part of the time in which
    our threads had something to do, but no core."""

    own: float
    foreign: float
    idle: float
    cores: int
    waited: float = 0.0


@dataclass(frozen=True)
class _Counters:
    at: float
    own: float
    usual: float
    niced: float
    idle: float
    cores: frozenset[int]
    threads: dict[str, tuple[int, int]]


class Machine:
    """Looks at the time since the look before. Raises OSError where there is no such /proc."""

    def __init__(self, path: Path = Path("/proc/stat")) -> None:
        self._path = path
        self._before = self._read()

    def look(self) -> Look | None:
        """None: nothing can be said, because the cores that are allowed have just changed or the
        file does not tell of each of them, as in some containers."""
        before, now = self._before, self._read()
        self._before = now
        seconds = now.at - before.at
        if seconds <= 0 or before.cores != now.cores or not now.cores:
            return None
        own, usual, niced = now.own - before.own, now.usual - before.usual, now.niced - before.niced
        # Beside our own niceness, a niced one is an equal.
        if os.getpriority(os.PRIO_PROCESS, 0) > 0:
            foreign = usual + niced - own
        else:
            foreign = usual - own + NICED_WEIGHT * niced
        idle = (now.idle - before.idle) / seconds
        waited = _waited(before.threads, now.threads)
        return Look(own / seconds, max(0.0, foreign / seconds), idle, len(now.cores), waited)

    def _read(self) -> _Counters:
        allowed = frozenset(os.sched_getaffinity(0))
        usual = niced = idle = 0
        told = set()
        with self._path.open() as lines:
            for line in lines:
                name, *numbers = line.split()
                if not name.startswith("cpu"):
                    break
                if name == "cpu" or int(name[3:]) not in allowed:
                    continue
                told.add(int(name[3:]))
                user, nice, system, sleeping, waiting, irq, softirq = map(int, numbers[:7])
                usual += user + system + irq + softirq
                niced += nice
                idle += sleeping + waiting
        ticks = os.sysconf("SC_CLK_TCK")
        cores = allowed if told == allowed else frozenset()
        return _Counters(
            time.monotonic(),
            time.process_time(),
            usual / ticks,
            niced / ticks,
            idle / ticks,
            cores,
            dict(_threads()),
        )


def _threads() -> Iterator[tuple[str, tuple[int, int]]]:
    """Nanoseconds for which each of our threads has run, and waited to run."""
    for task in Path("/proc/self/task").iterdir():
        # A thread may have ended since it was listed.
        with suppress(FileNotFoundError, ProcessLookupError):
            ran, waited, _ = (task / "schedstat").read_text().split()
            yield task.name, (int(ran), int(waited))


def _waited(before: dict[str, tuple[int, int]], now: dict[str, tuple[int, int]]) -> float:
    pairs = [(before[name], times) for name, times in now.items() if name in before]
    ran = sum(later[0] - earlier[0] for earlier, later in pairs)
    waited = sum(later[1] - earlier[1] for earlier, later in pairs)
    return waited / (ran + waited) if ran + waited > 0 else 0.0
