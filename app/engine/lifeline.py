"""Processes that end together: a child dies with its parent, an engine with its server."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


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


class Connections:
    """Counts the workers that hold on to this engine; `abandoned` returns when the
    last has left on purpose, or when for `grace` seconds there has been none: the server is
    gone then."""

    def __init__(self, grace: float) -> None:
        self._grace = self._wait = grace
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()
        self._some = asyncio.Event()

    def opened(self) -> None:
        self._count += 1
        self._none.clear()
        self._some.set()

    def closed(self, on_purpose: bool) -> None:
        self._count -= 1
        self._wait = 0.0 if on_purpose else self._grace
        if self._count == 0:
            self._some.clear()
            self._none.set()

    async def abandoned(self) -> None:
        while True:
            await self._none.wait()
            try:
                await asyncio.wait_for(self._some.wait(), self._wait)
            except TimeoutError:
                return
