"""From logits to a token: penalties, top_k, top_p, min_p, temperature, in llama.cpp's order.

One sampler a request: what it draws depends on its own seed and logits, never on its neighbours.
"""

from collections import Counter, deque
from collections.abc import Sequence
from math import log
from typing import Any, Final

import numpy as np

from app.domain.errors import SllmError
from app.domain.options import GenerationOptions

Logits = np.ndarray[Any, np.dtype[np.float32]]
Array = np.ndarray[Any, Any]
# llama.cpp's default window of the penalties, in tokens of prompt and answer.
PENALTY_WINDOW: Final = 64
# Below it a quotient can overflow; nothing but the best token is left long before.
_COLDEST: Final = 1e-30
_FOLDS: Final = 64
_FEW: Final = 1024


class Sampler:
    """The next token of one request after another; `options` as in API.md."""

    def __init__(self, options: GenerationOptions, prompt: Sequence[int]) -> None:
        self._options = options
        # Rows of images are no tokens: nothing is penalized for them.
        recent = (token for token in prompt[-PENALTY_WINDOW:] if token >= 0)
        self._recent = deque(recent, maxlen=PENALTY_WINDOW)
        self._random = np.random.default_rng(options.seed)
        self._penalizes = (
            options.repeat_penalty,
            options.presence_penalty,
            options.frequency_penalty,
        ) != (1, 0, 0)

    def choose(self, logits: Logits) -> int:
        """A token for these logits [vocabulary], which are changed; minus infinity excludes."""
        if self._penalizes:
            self._penalize(logits)
        if self._options.temperature <= 0:
            token = int(logits.argmax())
            _require_number(logits[token])
        else:
            token = self._draw(*candidates(logits, self._options))
        self._recent.append(token)
        return token

    def _penalize(self, logits: Logits) -> None:
        """What occurs in the window: divided (or multiplied, below zero), then lowered."""
        options, counts = self._options, Counter(self._recent)
        tokens = np.fromiter(counts, np.int64, len(counts))
        times = np.fromiter(counts.values(), np.float32, len(counts))
        found = logits[tokens]
        found = np.where(found > 0, found / options.repeat_penalty, found * options.repeat_penalty)
        found -= times * options.frequency_penalty + options.presence_penalty
        logits[tokens] = found

    def _draw(self, tokens: Array, values: Array) -> int:
        temperature = max(self._options.temperature, _COLDEST)
        weights = np.exp((values - values[0]) / temperature).cumsum()
        _require_number(weights[-1])
        point = self._random.random() * weights[-1]
        return int(tokens[min(int(weights.searchsorted(point, "right")), len(tokens) - 1)])


def _require_number(value: np.floating[Any]) -> None:
    """Raise SllmError for what an overflow inside the model makes of all its numbers."""
    if np.isnan(value):
        raise SllmError("internal_error", "onnx_not_a_number")


def candidates(logits: Logits, options: GenerationOptions) -> tuple[Array, Array]:
    """Tokens that may be drawn, and their logits (float64), best first; temperature comes later.

    top_p is a share of what top_k left, min_p of the best token's probability.
    """
    if options.top_k:
        tokens, values = best(logits, options.top_k)
        total = _exp_sum(values, values[0])
        return _cut(tokens, values, total, options)
    peak = float(logits.max())
    total = _exp_sum(logits.astype(np.float64), peak)
    tokens, values = best(logits, _FEW)
    kept = _cut(tokens, values, total, options)
    if len(kept[0]) < len(tokens) or len(tokens) == len(logits):
        return kept
    return _cut(*best(logits, len(logits)), total, options)


def _exp_sum(values: Array, peak: float) -> float:
    return float(np.exp(values - peak).sum())


def _cut(
    tokens: Array, values: Array, total: float, options: GenerationOptions
) -> tuple[Array, Array]:
    """The prefix that top_p and min_p leave of the best tokens; at least the first."""
    keep = len(tokens)
    if options.top_p < 1:
        shares = (np.exp(values - values[0]) / total).cumsum()
        keep = int(shares.searchsorted(options.top_p)) + 1
    if options.min_p > 0:
        lowest = values[0] + log(options.min_p)
        keep = min(keep, int((values >= lowest).sum()))
    keep = max(keep, 1)
    return tokens[:keep], values[:keep]


def best(logits: Logits, count: int) -> tuple[Array, Array]:
    """The `count` highest, best first, equal ones in the order of their numbers.

    The vocabulary is folded into columns; the highest tokens are in the columns with the highest
    peaks, so that most of it is looked at only once.
    """
    size = len(logits)
    columns = size // _FOLDS
    if count >= columns:
        chosen = np.arange(size)
    else:
        peaks = logits[: columns * _FOLDS].reshape(_FOLDS, columns).max(axis=0)
        high = np.argpartition(peaks, columns - count)[columns - count :]
        folded = (high + np.arange(_FOLDS)[:, None] * columns).ravel()
        chosen = np.concatenate([folded, np.arange(columns * _FOLDS, size)])
    values = logits[chosen]
    if count < len(chosen):
        part = np.argpartition(values, len(chosen) - count)[len(chosen) - count :]
        chosen, values = chosen[part], values[part]
    order = np.lexsort((chosen, -values))
    return chosen[order], values[order].astype(np.float64)
