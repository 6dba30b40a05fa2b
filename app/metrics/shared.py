"""Counters of all workers of one server: each counts in files of its own, a scrape adds them up.

This is prometheus-client's multi-process mode, in the server's private runtime directory. What a
worker that died has counted stays, so no counter ever goes back while the server runs.
"""

import logging
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psutil

from app.engine.runtime_dir import METRICS, runtime_directory, server_pid

# The library's variable, looked at when it is first imported.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# The library's files by kind, with room for what a server of ours counts. They are written in full
# at the start: a page of a mapped file that finds no room later would end the worker.
FILES = {"counter": 512 * 1024, "histogram": 1024 * 1024, "gauge_livesum": 16 * 1024}
log = logging.getLogger(__name__)


def prepare() -> Path | None:
    """The directory, ready for this process; None where there is no room for it: then this worker
    counts for itself alone. Call it before prometheus-client is imported."""
    try:
        directory = runtime_directory(METRICS)
        for kind, size in FILES.items():
            _write_zeros(directory / f"{kind}_{os.getpid()}.db", size)
    except OSError as error:
        log.warning("metrics are those of one worker only: %s", error.strerror)
        os.environ.pop(VARIABLE, None)
        return None
    os.environ[VARIABLE] = str(directory)
    _count_as(os.getpid())
    return directory


@cache
def _count_as(pid: int) -> None:
    """The library asks for the process id at every count, for servers that fork once they count.
    Ours never do, and it took an eighth of all that a token costs in a worker."""
    from prometheus_client import values

    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: pid)


def _write_zeros(path: Path, size: int) -> None:
    # The process id may have been another worker's before: then its counts go on.
    if not path.exists() or path.stat().st_size < size:
        # Other workers read whatever has the name; it must be whole by then.
        part = path.with_suffix(".part")
        part.write_bytes(bytes(size))
        part.replace(path)


def processes(directory: Path | None) -> Iterator[psutil.Process]:
    """The API workers of this server that are alive."""
    for pid in _counting(directory) | {os.getpid()}:
        try:
            process = psutil.Process(pid)
            if pid == server_pid() or process.ppid() == server_pid():
                yield process
        except psutil.NoSuchProcess:
            continue


def dead(directory: Path, alive: set[int]) -> set[int]:
    """Process ids that have counted here and are workers of this server no more."""
    return _counting(directory) - alive


def _counting(directory: Path | None) -> set[int]:
    if directory is None:
        return set()
    return {int(path.stem.partition("_")[2]) for path in directory.glob("counter_*.db")}
