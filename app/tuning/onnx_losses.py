"""How likely an ONNX graph finds texts: the losses of their tokens."""

from pathlib import Path

import numpy as np

from app.convert.quality import session
from app.tuning.loss import of_logits
from app.weights.onnx_preflight import check


def losses(graph: Path, windows: list[list[int]]) -> list[float]:
    """Negative log likelihood of every token but a window's first."""
    logits = session(check(graph))
    found = (of_logits(np.array(ids, np.int64), logits(ids)) for ids in windows)
    return [float(each) for one in found for each in one]
