"""How likely the model found each token that it wrote, and what it might have written instead."""

from typing import Final

from msgspec import Struct

# The most alternatives that may be asked for.
MAX_LOGPROBS: Final = 20
# Stands for everything below it, infinity included.
LOWEST_LOGPROB: Final = -9999.0


class Alternative(Struct, frozen=True):
    """A token that could have come: its id, what it writes (nothing for control tokens, perhaps a
    part of a character), and its natural log probability."""

    token: int
    bytes: bytes
    logprob: float


class TokenLogprob(Struct, frozen=True):
    """A token that came; `top` are the likeliest tokens in its place, best first, itself among
    them if it was one. See `GenerationOptions.logprobs`."""

    token: int
    bytes: bytes
    logprob: float
    top: tuple[Alternative, ...] = ()
