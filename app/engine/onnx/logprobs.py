"""What a step's logits say before anything is done to them, for answers that tell log
probabilities. Only those that ask pay for it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from app.domain.logprobs import LOWEST_LOGPROB, Alternative, TokenLogprob
from app.engine.onnx.sampler import best

Logits = np.ndarray[Any, np.dtype[np.float32]]
BytesOf = Callable[[int], bytes]


class Observed:
    """The logits [vocabulary] of one step, kept as they were."""

    def __init__(self, logits: Logits) -> None:
        self._logits = logits.copy()
        peak = float(logits.max())
        self._total = peak + float(np.log(np.exp(logits - peak).sum(dtype=np.float64)))

    def told(self, token: int, alternatives: int, bytes_of: BytesOf) -> TokenLogprob:
        """The record of `token`, and the likeliest `alternatives` in its place."""
        tokens = best(self._logits, alternatives)[0].tolist() if alternatives > 0 else []
        return TokenLogprob(
            token, bytes_of(token), self._logprob(token), self._top(tokens, bytes_of)
        )

    def _top(self, tokens: Sequence[int], bytes_of: BytesOf) -> tuple[Alternative, ...]:
        return tuple(Alternative(each, bytes_of(each), self._logprob(each)) for each in tokens)

    def _logprob(self, token: int) -> float:
        return max(float(self._logits[token]) - self._total, LOWEST_LOGPROB)
