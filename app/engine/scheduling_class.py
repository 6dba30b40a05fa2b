"""How the kernel schedules the engine's threads, which compute, beside those that talk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def batch_threads() -> Iterator[None]:
    """Threads started inside are batch work (SCHED_BATCH, inherited); the caller is not.

    Compute threads then wake others up less eagerly and the event loops, here and in the API
    workers, get their short turns at once. On two cores beside busy neighbours: 1.2 to 1.5
    times the tokens, first tokens 10 to 25 % sooner (docs/decisions/0003). Where the system
    does not allow it, nothing changes.
    """
    possible = hasattr(os, "SCHED_BATCH")
    if possible:
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        if possible:
            with suppress(PermissionError):
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
