"""A slot's rows as a file: the keys and values of its tokens, cache by cache, in 16 bits."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.onnx.memory import Array, HostMemory
from app.engine.onnx.slots import Slots
from app.engine.slots import common_prefix


def kv_format(slots: Slots) -> str | None:
    """What such a file fits; None where the rows are out of reach."""
    if not isinstance(slots.memory, HostMemory):
        return None
    shapes = [
        f"{array.shape[1]}x{array.shape[3]}:{_kept(array.dtype)}" for array in slots.memory.arrays
    ]
    return f"onnx 1 {' '.join(shapes)}"


def _kept(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float16) if dtype == np.float32 else dtype


def rows_of(slots: Slots, slot: int, tokens: Sequence[int]) -> tuple[int, list[Array]]:
    """Copies of what the slot holds of `tokens`, and how many of them."""
    assert isinstance(slots.memory, HostMemory)
    count = common_prefix(slots.tokens[slot], list(tokens))
    row = slots.row(slot)
    arrays = slots.memory.arrays
    # What a 16-bit number cannot hold must not come back as infinity.
    limits = np.finfo(np.float16)
    copies = []
    for array in arrays:
        part = array[row, :, :count]
        if part.dtype == np.float32:
            part = np.clip(part, limits.min, limits.max)
        copies.append(part.astype(_kept(array.dtype)))
    return count, copies


def write(file: Path, arrays: Sequence[Array]) -> None:
    """Raises OSError."""
    with file.open("wb") as target:
        for array in arrays:
            target.write(np.ascontiguousarray(array).data)


def read(file: Path, slots: Slots, count: int) -> list[Array] | None:
    """The arrays of a file for `count` tokens; None where it does not fit. Raises OSError."""
    assert isinstance(slots.memory, HostMemory)
    content = file.read_bytes()
    arrays, start = [], 0
    for cache in slots.memory.arrays:
        shape = (cache.shape[1], count, cache.shape[3])
        kind = _kept(cache.dtype)
        elements = prod(shape)
        end = start + elements * kind.itemsize
        if end > len(content) or count > slots.window:
            return None
        arrays.append(np.frombuffer(content, kind, elements, start).reshape(shape))
        start = end
    return arrays if start == len(content) else None


def place(slots: Slots, slot: int, tokens: Sequence[int], arrays: Sequence[Array]) -> None:
    """Let the slot hold `tokens`, whose rows the arrays are."""
    assert isinstance(slots.memory, HostMemory)
    row, count = slots.row(slot), len(tokens)
    for cache, array in zip(slots.memory.arrays, arrays, strict=True):
        cache[row, :, :count] = array
    slots.tokens[slot] = list(tokens)
