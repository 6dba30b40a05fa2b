"""Whether other programs used the machine while something was measured."""

import time
from collections.abc import Iterable

from benchmarks.processes import cpu_seconds, machine_cpu_seconds

LOOK_SECONDS = 0.5
# Cores that others may use: a benchmark beside a compiler measures the compiler.
QUIET_CORES = 0.15


class Neighbours:
    """Counts the cores that processes outside the trees of `pids` use on average."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = tuple(pids)
        self.restart()

    def restart(self) -> None:
        self._at = time.monotonic()
        self._all = machine_cpu_seconds()
        self._own = cpu_seconds(self._pids)

    def cores(self) -> float:
        """Since the last `restart`."""
        seconds = time.monotonic() - self._at
        foreign = machine_cpu_seconds() - self._all - (cpu_seconds(self._pids) - self._own)
        return max(0.0, foreign / seconds) if seconds else 0.0


def wait_until_quiet(neighbours: Neighbours, patience_seconds: float) -> bool:
    """Whether others came to rest within the time."""
    end = time.monotonic() + patience_seconds
    while True:
        neighbours.restart()
        time.sleep(LOOK_SECONDS)  # the length of the look
        if neighbours.cores() <= QUIET_CORES:
            return True
        if time.monotonic() > end:
            return False
