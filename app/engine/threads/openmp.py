"""The size of llama.cpp's team of threads, changed while it runs, through LLVM's OpenMP."""

import ctypes
import os
import threading
from collections.abc import Mapping

LIBRARY = "libgomp.so.1"
# With these the library gives a team only as many threads as there are cores for all the threads
# that it knows of. llama.cpp asks what it got.
_DYNAMIC = {"OMP_DYNAMIC": "true", "KMP_DYNAMIC_MODE": "thread_limit"}
# The library's own default, said aloud: else it is none as soon as threads outnumber cores.
_SPIN = {"KMP_BLOCKTIME": "200"}


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What an engine's environment needs for `Team`; nothing against a user's own choice."""
    if any(name in environment for name in _DYNAMIC):
        return {}
    spin = {} if "OMP_WAIT_POLICY" in environment or _SPIN.keys() & environment else _SPIN
    return _DYNAMIC | spin


def is_adjustable() -> bool:
    """Whether this process has started with `settings`, and with the library that knows them."""
    if any(os.environ.get(name) != value for name, value in _DYNAMIC.items()):
        return False
    try:
        return hasattr(ctypes.CDLL(LIBRARY), "kmp_get_blocktime")
    except OSError:
        return False


class Team:
    """Takes threads away from the team by threads of its own, which the library counts and which
    only sleep. `cores` is what this process could use when the library was loaded."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._library = ctypes.CDLL(LIBRARY)
        self._sleepers: list[_Sleeper] = []

    def limit(self, threads: int) -> None:
        """Steps that begin from now on are computed by so many at most; blocks for a moment."""
        wanted = self._cores - threads
        while len(self._sleepers) > wanted:
            self._sleepers.pop().end()
        while len(self._sleepers) < wanted:
            self._sleepers.append(_Sleeper(self._library))


class _Sleeper:
    """A thread that OpenMP knows: it becomes one by asking the library something."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._known, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._sleep, name="openmp-sleeper", daemon=True)
        self._thread.start()
        self._known.wait()

    def _sleep(self) -> None:
        self._library.omp_get_max_threads()
        self._known.set()
        self._over.wait()

    def end(self) -> None:
        """The library forgets a thread when it ends."""
        self._over.set()
        self._thread.join()
