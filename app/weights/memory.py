"""How much memory weights need while they are served, and how much this process may have."""

from pathlib import Path
from typing import Final, Protocol

import psutil
from msgspec import Struct

# The process itself with its libraries, before any weights.
PROCESS_BYTES: Final = 120_000_000
# cgroup v1 writes "no limit" as a number near 2^63.
UNLIMITED: Final = 1 << 60


class Footprint(Protocol):
    """What the facts of weights of any format tell of the memory that they take."""

    @property
    def file_bytes(self) -> int: ...
    @property
    def kv_bytes_per_token(self) -> int: ...
    @property
    def vocabulary_size(self) -> int: ...
    @property
    def embedding_length(self) -> int: ...
    @property
    def context_length(self) -> int: ...


class MemoryFit(Struct, frozen=True):
    """Bytes. `needed` is the sum of the three parts before it and of the process itself."""

    weights: int
    kv_cache: int
    compute: int
    needed: int
    available: int

    @property
    def ok(self) -> bool:
        return self.needed <= self.available


def fits(header: Footprint, slots: int, context: int, batch: int = 128) -> MemoryFit:
    """Whether `slots` windows of `context` tokens fit now, prefilled `batch` tokens at a time."""
    return MemoryFit(
        weights=header.file_bytes,
        kv_cache=kv_cache_bytes(header, slots, context),
        compute=compute_bytes(header, batch),
        needed=needed_bytes(header, slots, context, batch),
        available=available_bytes(),
    )


def needed_bytes(header: Footprint, slots: int, context: int, batch: int = 128) -> int:
    """Weights, KV cache and scratch memory of one engine process."""
    cache = kv_cache_bytes(header, slots, context)
    return header.file_bytes + cache + compute_bytes(header, batch) + PROCESS_BYTES


def kv_cache_bytes(header: Footprint, slots: int, context: int) -> int:
    """An upper bound where windows slide or layers share."""
    return header.kv_bytes_per_token * slots * context


def compute_bytes(header: Footprint, batch: int) -> int:
    """Scratch of one batch: its logits, and some activations of a layer, in 32 bits."""
    per_token = header.vocabulary_size + 24 * header.embedding_length
    return 4 * batch * per_token


def available_bytes(root: Path = Path("/")) -> int:
    """What may be used before the system swaps or the container is killed. `root` holds
    `proc` and `sys`."""
    free = psutil.virtual_memory().available
    return max(0, min([free, *_control_groups(root)]))


def _control_groups(root: Path) -> list[int]:
    """What each limited control group that this process is in has left, both versions."""
    left = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            base, names = root / "sys/fs/cgroup", ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            base = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        left += [_left(folder, *names) for folder in _upwards(base, group)]
    return left


def _upwards(base: Path, group: str) -> list[Path]:
    """The group's folder and those above it; inside a container only `base` may be there."""
    folder = base / group.lstrip("/")
    return [folder, *(parent for parent in folder.parents if parent.is_relative_to(base))]


def _left(folder: Path, limit_name: str, usage_name: str) -> int:
    limit, usage = _text(folder / limit_name).strip(), _text(folder / usage_name).strip()
    if not limit.isdigit() or not usage.isdigit() or int(limit) >= UNLIMITED:
        return UNLIMITED
    # Cached file pages are given back before anybody is killed.
    statistics = dict(line.split() for line in _text(folder / "memory.stat").splitlines())
    cached = int(statistics.get("inactive_file", 0)) + int(statistics.get("active_file", 0))
    return int(limit) - int(usage) + cached


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
