"""What the process that measures is asked, and what it answers."""

from msgspec import Struct

from app.engine.spec import EngineSpec

# Token ids by language, in pieces that are looked at apart.
Windows = dict[str, list[list[int]]]
# Which pieces: from one number up to another.
Pieces = tuple[int, int]
# By language: the negative log likelihood of each token of its pieces but each one's first.
Losses = dict[str, list[float]]


class Job(Struct, frozen=True):
    """`prompt` tokens are read at once (0: not measured); `tokens` are generated in each of as many
    `streams` at a time. With `quality` the losses of texts are wanted too: of `windows`, or of
    `pieces` of the bundled texts as these weights' own tokenizer has them."""

    spec: EngineSpec
    prompt: int = 0
    tokens: int = 0
    streams: tuple[int, ...] = ()
    quality: bool = False
    windows: Windows = {}
    pieces: Pieces = (0, 4)


class Report(Struct, frozen=True):
    """Tokens per second: of the prompt, and by number of streams of all together. `memory` in
    bytes at the end. `losses` are those of `windows`."""

    prefill: float
    decode: dict[str, float]
    memory: int
    windows: Windows = {}
    losses: Losses = {}
