"""What a prompt shows: feature rows at the places of its ids below zero, and where every token
stands for models whose positions have three axes (Qwen2-VL's way).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Grid = tuple[int, int, int]


@dataclass(frozen=True)
class Run:
    """Feature rows [n, width] that stand together, from place `start` of the prompt on. `grid`
    is (time, rows, columns) of a whole image, where positions have three axes."""

    start: int
    rows: Array
    grid: Grid | None = None

    @property
    def stop(self) -> int:
        return self.start + len(self.rows)


class Sight:
    """Of one prompt. `words` are its ids with 0 in the places of feature rows."""

    def __init__(self, prompt: Sequence[int], runs: Sequence[Run]) -> None:
        self.words = [max(token, 0) for token in prompt]
        self._runs = tuple(runs)
        self._positions = _positions(len(prompt), [run for run in runs if run.grid])

    def fill(self, embeddings: Array, start: int) -> None:
        """Put feature rows over embeddings [new, width] of the prompt's places from `start` on."""
        stop = start + len(embeddings)
        for run in self._runs:
            first, last = max(start, run.start), min(stop, run.stop)
            if first < last:
                rows = run.rows[first - run.start : last - run.start]
                embeddings[first - start : last - start] = rows

    def positions(self, start: int, count: int) -> Array:
        """[3, count] of the places from `start` on; what is generated goes on after the
        highest."""
        known = self._positions[:, start : start + count]
        left = count - known.shape[1]
        if not left:
            return known
        end = self._positions.shape[1]
        next_one = int(self._positions.max(initial=-1)) + 1
        after = next_one + max(start, end) - end + np.arange(left)
        return np.concatenate([known, np.broadcast_to(after, (3, left))], axis=1)


def _positions(length: int, runs: Sequence[Run]) -> Array:
    """Text counts on all axes at once. An image's rows count from where it begins, and the text
    behind it goes on after the longer of its sides."""
    found = np.empty((3, length), np.int64)
    place = position = 0
    for run in runs:
        assert run.grid is not None
        text = run.start - place
        found[:, place : run.start] = position + np.arange(text)
        position += text
        found[:, run.start : run.stop] = position + np.indices(run.grid).reshape(3, -1)
        position += max(run.grid[1:])
        place = run.stop
    found[:, place:] = position + np.arange(length - place)
    return found
