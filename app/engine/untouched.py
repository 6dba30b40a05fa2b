"""Memory that a library has filled with zeros in advance, given back until it is used (Linux).

llama.cpp clears its whole KV cache when it loads, which makes every page of it a real one: 377 MB
for SmolLM2's four slots, though most conversations never come near that. A private anonymous page
that was dropped reads as zeros again, so nobody can tell the difference.
"""

import ctypes
import logging
import mmap
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# Shorter runs are not worth a look; no stack of a thread has as much in use.
SMALLEST: Final = 16 << 20
CHUNK: Final = 256 << 10
_SELF: Final = Path("/proc/self")
_ZEROS: Final = bytes(CHUNK)
_ENTRY_BYTES: Final = 8
# Private, writable, and no file's.
_ANONYMOUS: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0\s*$", re.MULTILINE)
log = logging.getLogger(__name__)


def release_zeroed() -> int:
    """Give back what lies there as real pages of zeros; the number of bytes.

    Only for a moment in which nobody writes to such memory: after loading, before any request.
    """
    if sys.platform != "linux":
        return 0
    try:
        return sum(_release(start, end) for start, end in list(_zeroed()))
    except OSError as error:
        # Some containers hide these files.
        log.debug("memory of the cache is not given back: %s", error)
        return 0


def _zeroed() -> Iterator[tuple[int, int]]:
    """Addresses of runs of SMALLEST and more."""
    maps = (_SELF / "maps").read_text(encoding="utf-8")
    found = [(int(start, 16), int(end, 16)) for start, end in _ANONYMOUS.findall(maps)]
    memory_file, pages_file = _SELF / "mem", _SELF / "pagemap"
    with memory_file.open("rb", 0) as memory, pages_file.open("rb", 0) as pages:
        for start, end in found:
            if end - start >= SMALLEST:
                yield from _runs(memory.fileno(), pages.fileno(), start, end)


def _runs(memory: int, pages: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = start
    for at in range(start, end, CHUNK):
        size = min(CHUNK, end - at)
        if not (_is_present(pages, at, size) and os.pread(memory, size, at) == _ZEROS[:size]):
            if at - begin >= SMALLEST:
                yield begin, at
            begin = at + size
    if end - begin >= SMALLEST:
        yield begin, end


def _is_present(pages: int, at: int, size: int) -> bool:
    """Whether every page is a real one: the highest bit of its entry says so."""
    entries = os.pread(
        pages, size // mmap.PAGESIZE * _ENTRY_BYTES, at // mmap.PAGESIZE * _ENTRY_BYTES
    )
    return bool(entries) and min(entries[_ENTRY_BYTES - 1 :: _ENTRY_BYTES]) >= 0x80


def _release(start: int, end: int) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    arguments = ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED
    return end - start if library.madvise(*arguments) == 0 else 0
