"""Child processes that end with us, and what process trees use: CPU, memory, descriptors."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import psutil
from msgspec import Struct

ROOT = Path(__file__).resolve().parents[1]
STOP_SECONDS = 20.0


def end_in_order() -> None:
    """Let SIGTERM unwind this process: nobody else would end the servers it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def child(
    command: Sequence[str], environment: dict[str, str], log: Path
) -> Iterator[psutil.Process]:
    """A process that runs while the context does; its output goes to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=log.parent,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """In order; what does not end is killed, its children too."""
    family = tree(process.pid)
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it; [] when it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def engines(pid: int) -> list[psutil.Process]:
    """The engine processes of server `pid`."""
    return [process for process in tree(pid) if "app.engine.process" in _command(process)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


class Held(Struct, frozen=True):
    """What some processes hold: open file descriptors and threads."""

    descriptors: int
    threads: int

    @classmethod
    def by(cls, processes: Iterable[psutil.Process]) -> "Held":
        seen = list(processes)
        return cls(sum(p.num_fds() for p in seen), sum(p.num_threads() for p in seen))

    def within(self, most: "Held") -> bool:
        return self.descriptors <= most.descriptors and self.threads <= most.threads

    def text(self) -> str:
        return f"{self.descriptors} fd, {self.threads} threads"


def proportional_set_bytes(pid: int) -> int:
    """The memory of process `pid`, shared pages divided among those who share them (Linux)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no Pss line")


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that the trees under `pids` have used so far, and this process."""
    own = os.times()
    total = own.user + own.system
    for pid in pids:
        for process in tree(pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
    return total


def machine_cpu_seconds() -> float:
    """CPU time that was spent on anything on this machine since it booted."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)
