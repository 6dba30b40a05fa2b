"""The KV cache: one preallocated array a layer, a row for each slot, and the tokens they hold.

Rows that decode lie side by side at the front, so that one run computes them all.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.engine.onnx.layout import Cache
from app.engine.slots import common_prefix

Array = np.ndarray[Any, Any]
# The last tokens of a prompt are always computed: their logits are wanted, and a run of a single
# token goes another way through the attention, with other roundings.
COMPUTED_AGAIN = 2


class Slots:
    """`arrays[cache]` has the shape [slots, heads, window, head_size]; memory is taken from the
    system when a row is first written. `tokens[slot]` is what the slot's row holds."""

    def __init__(self, caches: Sequence[Cache], count: int, window: int) -> None:
        self.count, self.window = count, window
        self.arrays: list[Array] = [
            np.zeros((count, cache.heads, window, cache.head_size), cache.dtype) for cache in caches
        ]
        self.tokens: list[list[int]] = [[] for _ in range(count)]
        self._row = list(range(count))

    def row(self, slot: int) -> int:
        """Where the slot lies in the arrays, now."""
        return self._row[slot]

    def length(self, slot: int) -> int:
        return len(self.tokens[slot])

    def begin(self, slot: int, prompt: Sequence[int], reuse: bool) -> int:
        """Keep what the slot shares with `prompt`, forget the rest: the tokens kept."""
        usable = prompt[: max(0, len(prompt) - COMPUTED_AGAIN)]
        kept = common_prefix(self.tokens[slot], usable) if reuse else 0
        del self.tokens[slot][kept:]
        return kept

    def move(self, slot: int, row: int) -> None:
        """Bring a slot to `row`; the one that lies there takes its place."""
        here = self._row[slot]
        if here == row:
            return
        other = self._row.index(row)
        for array in self.arrays:
            _swap(array, here, self.length(slot), row, self.length(other))
        self._row[slot], self._row[other] = row, here


def _swap(array: Array, left: int, left_length: int, right: int, right_length: int) -> None:
    """Exchange two rows' first tokens. Only the shorter one passes through a copy."""
    if right_length > left_length:
        left, left_length, right, right_length = right, right_length, left, left_length
    kept = array[right, :, :right_length].copy()
    array[right, :, :left_length] = array[left, :, :left_length]
    array[left, :, :right_length] = kept
