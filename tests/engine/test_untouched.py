"""Zero-filled memory is given back, all other memory stays as it is."""

import ctypes
import mmap
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.engine.launcher import environment
from app.engine.spec import EngineSpec
from app.engine.untouched import CHUNK, SMALLEST, release_zeroed
from app.weights import ModelSpec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's memory maps")

LARGE = 4 * SMALLEST


@pytest.fixture
def area() -> Iterator[mmap.mmap]:
    with mmap.mmap(-1, LARGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as made:
        yield made


def _resident(area: mmap.mmap) -> int:
    """Bytes of real pages under it, as the kernel counts them."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    with Path("/proc/self/pagemap").open("rb") as file:
        file.seek(address // mmap.PAGESIZE * 8)
        entries = file.read(len(area) // mmap.PAGESIZE * 8)
    return sum(entry >= 0x80 for entry in entries[7::8]) * mmap.PAGESIZE


def test_zeros_take_no_memory_afterwards(area: mmap.mmap) -> None:
    area[:] = bytes(LARGE)
    assert _resident(area) == LARGE
    assert release_zeroed() >= LARGE - 2 * CHUNK
    assert _resident(area) <= 2 * CHUNK
    assert area[:] == bytes(LARGE)


def test_what_is_written_stays(area: mmap.mmap) -> None:
    area[:] = bytes(LARGE)
    places = [0, SMALLEST + 5, 3 * SMALLEST - 1, LARGE - 1]
    for place in places:
        area[place] = 7
    assert release_zeroed() > 0
    assert [place for place in range(LARGE) if area[place]] == places
    assert area[SMALLEST + 5] == 7


def test_short_runs_of_zeros_are_left_alone(area: mmap.mmap) -> None:
    area[:] = bytes(LARGE)
    for place in range(0, LARGE, SMALLEST // 2):
        area[place] = 1
    before = _resident(area)
    release_zeroed()
    assert _resident(area) == before


def test_memory_that_was_never_touched_is_left_alone(area: mmap.mmap) -> None:
    release_zeroed()
    assert _resident(area) == 0


def test_it_can_be_written_again(area: mmap.mmap) -> None:
    area[:] = bytes(LARGE)
    release_zeroed()
    area[:] = b"\x05" * LARGE
    assert area[:] == b"\x05" * LARGE
    assert release_zeroed() == 0 or _resident(area) == LARGE


def test_hidden_maps_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("app.engine.untouched._zeroed", hidden)
    assert release_zeroed() == 0


_LOADED = """
import os, sys
import msgspec
from app.engine import untouched
from app.engine.backends import llama
given = []
llama.release_zeroed = lambda: given.append(untouched.release_zeroed())
llama.LlamaBackend.load(msgspec.json.decode(sys.argv[1], type=llama.EngineSpec))
print(*given, flush=True)
os._exit(0)
"""


@pytest.mark.weights
def test_an_unused_cache_of_real_weights_is_given_back(embedded: ModelSpec, tmp_path: Path) -> None:
    spec = EngineSpec(
        backend="llama",
        directory=str(tmp_path),
        id=embedded.id,
        path=embedded.path,
        context_length=4096,
        slots=2,
        threads=2,
        use_gpu="false",
    )
    command = [sys.executable, "-c", _LOADED, msgspec.json.encode(spec).decode()]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
    # SmolLM2: 30 layers, keys and values of 3 heads of 64, 16 bits.
    cache = 30 * 2 * 3 * 64 * 2 * 2 * 4096
    assert cache - 2 * CHUNK <= int(ended.stdout) <= cache + SMALLEST
