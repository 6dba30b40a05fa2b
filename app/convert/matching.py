"""Which rows of which Linear a node of the graph holds: found by the weights themselves, since
builders name, join and split them as they like. Needs PyTorch.
"""

from typing import Any, Final

import torch
from msgspec import Struct

# Relative error of a row: 4 bits make a tenth, another row's weights 1.4.
SAME: Final = 0.5
Tensor = Any


class Run(Struct, frozen=True):
    """`count` rows of a node from `at` are those of the Linear `name` from `start`."""

    name: str
    start: int
    at: int
    count: int


def match(rows: Tensor, weights: dict[str, Tensor]) -> list[Run] | None:
    """Runs that make up all of a node's `rows`, [rows, columns]; None where some are unknown."""
    known = {name: each for name, each in weights.items() if each.shape[1] == rows.shape[1]}
    runs: list[Run] = []
    at = 0
    while at < len(rows):
        found = _longest(rows[at:], known)
        if found is None:
            return None
        name, start, count = found
        runs.append(Run(name, start, at, count))
        at += count
    return runs


def _longest(rows: Tensor, weights: dict[str, Tensor]) -> tuple[str, int, int] | None:
    """Of the Linear that has the first of `rows`: name, row, and how many follow as here."""
    best, nearest = None, SAME
    for name, weight in weights.items():
        errors = _errors(weight, rows[:1])
        start = int(errors.argmin())
        if float(errors[start]) < nearest:
            best, nearest = (name, start), float(errors[start])
    if best is None:
        return None
    name, start = best
    length = min(len(rows), len(weights[name]) - start)
    same = _errors(weights[name][start : start + length], rows[:length]) < SAME
    return name, start, length if bool(same.all()) else int(same.int().argmin())


def _errors(weight: Tensor, rows: Tensor) -> Tensor:
    """By row, against the size of `rows`; rows of nothing are equal to such rows only."""
    difference = (weight - rows).norm(dim=1)
    return torch.where(difference > 0, difference / rows.norm(dim=1).clamp(min=1e-12), 0.0)
