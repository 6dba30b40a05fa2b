"""Weights on disk: which there are, how they get here, and whether a file can be served.

Knows nothing of HTTP answers or engines. Settings come as arguments.
"""

from app.weights.ensure import ensure, locate
from app.weights.errors import CancelledError, WeightsError
from app.weights.spec import ModelSpec

__all__ = ["CancelledError", "ModelSpec", "WeightsError", "ensure", "locate"]
