"""Processes that end together: a child dies with its parent, an engine with its server."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

import psutil

_PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.2
FIRST_SECONDS = 120.0


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when process `parent`, its parent, ends (Linux).

    Elsewhere a thread watches for a new parent. Safe against a parent that is gone already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def outlive_parent() -> None:
    """Take `die_with_parent` back."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, 0, 0, 0, 0)


def _watch_parent(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(0.5)
    os._exit(1)


def kill(pid: int) -> None:
    """End a process at once; one that is gone is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, be it that nobody has asked for its outcome yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Connections:
    """Counts the workers that hold on to this engine; `abandoned` returns when the last has
    left on purpose, when there is none and the `server` process is gone, or when for `grace`
    seconds there has been none. The first is given FIRST_SECONDS: the server may still be starting.
    """

    def __init__(self, server: int, grace: float) -> None:
        self._server = server
        self._grace = grace
        self._count = 0
        self._on_purpose = False
        self._changed = asyncio.Event()

    def opened(self) -> None:
        self._count += 1
        self._changed.set()

    def closed(self, on_purpose: bool) -> None:
        self._count -= 1
        self._on_purpose = on_purpose
        self._changed.set()

    async def abandoned(self) -> None:
        end = time.monotonic() + max(FIRST_SECONDS, self._grace)
        while True:
            if self._count:
                end = time.monotonic() + self._grace
            elif self._on_purpose or time.monotonic() > end or self._orphaned():
                return
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._changed.wait()

    def _orphaned(self) -> bool:
        return is_gone(self._server)
