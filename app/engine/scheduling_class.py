"""How the kernel schedules the engine's threads, which compute, beside those that talk."""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Neither Python nor glibc before 2.41 has this call.
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
# size, policy, flags, nice, priority, runtime, deadline, period (see sched_setattr(2)).
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")
# Threads meet at every step. Where one shares its core with a neighbour, the others wait while the
# neighbour has its turn: many short turns cost less than the usual 3 ms. This is the shortest that
# Linux knows (from 6.12 on; before, it takes no notice).
SLICE_NANOSECONDS = 100_000


@contextmanager
def batch_threads() -> Iterator[None]:
    """Threads started inside are batch work (SCHED_BATCH, inherited) in short turns; the caller
    is not.

    Compute threads then wake others up less eagerly and the event loops, here and in the API
    workers, get their short turns at once. On two cores beside busy neighbours: 1.2 to 1.5
    times the tokens, first tokens 10 to 25 % sooner (docs/decisions/0003); the short turns are
    another 1.3 to 1.8 times (0025). Where the system does not allow it, nothing changes.
    """
    possible = hasattr(os, "SCHED_BATCH")
    if possible:
        _schedule(os.SCHED_BATCH, SLICE_NANOSECONDS)
    try:
        yield
    finally:
        if possible:
            _schedule(os.SCHED_OTHER, 0)


def _schedule(policy: int, slice_nanoseconds: int) -> None:
    """For the calling thread; a slice of 0 is the system's."""
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None or sys.maxsize < 1 << 32:
        with suppress(PermissionError):
            os.sched_setscheduler(0, policy, os.sched_param(0))
        return
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, policy, 0, nice, 0, slice_nanoseconds, 0, 0)
    # Refused in some sandboxes; that is no reason not to compute.
    ctypes.CDLL(None).syscall(number, 0, attributes, 0)
