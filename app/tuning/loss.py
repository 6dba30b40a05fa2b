"""What a form of weights loses in quality: its tokens' losses beside the source's, one by one, so
that the error of the difference is known too.
"""

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Losses = Mapping[str, Sequence[float]]


class Loss(Struct, frozen=True):
    """`percent` by which the perplexity is higher than the source's, its standard error, both also
    by language."""

    percent: float
    error: float
    languages: dict[str, tuple[float, float]]


def of_logits(ids: NDArray[np.int64], logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Negative log likelihood of every token but the first; `logits` are [tokens, vocabulary]."""
    rows = logits[:-1].astype(np.float64)
    top = rows.max(-1)
    total = top + np.log(np.exp(rows - top[:, None]).sum(-1))
    found: NDArray[np.float64] = total - rows[np.arange(len(rows)), ids[1:]]
    return found


def loss(before: Losses, after: Losses) -> Loss:
    """Both of the same tokens."""
    differences = {name: _differences(before[name], after[name]) for name in before}
    every = [each for one in differences.values() for each in one]
    by_language = {name: change(one) for name, one in differences.items()}
    return Loss(*change(every), by_language)


def _differences(before: Sequence[float], after: Sequence[float]) -> list[float]:
    return [new - old for old, new in zip(before, after, strict=True)]


def change(differences: Sequence[float]) -> tuple[float, float]:
    """Per cent of perplexity, and the standard error of that."""
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return 100 * math.expm1(statistics.fmean(differences)), 100 * error
