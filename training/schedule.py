"""The learning rate over a run."""

import math


def rate(step: int, done: float, peak: float, warmup: int = 60) -> float:
    """A linear start, then half a cosine down to 2 % of the peak; `done` is the share of the
    run that is over, 0 to 1."""
    return peak * min(1.0, (step + 1) / warmup) * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)
