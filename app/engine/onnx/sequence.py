"""One generation in the batch: what it has computed, how it goes on, and when it ends."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from app.domain.errors import SllmError
from app.domain.options import GenerationOptions
from app.engine.backends.base import BackendDied, BackendEvent, End, Piece, Progress
from app.engine.onnx.guidance import Guide
from app.engine.onnx.sampler import Sampler
from app.engine.onnx.stop import StopFilter
from app.engine.onnx.tokenizer import TextStream
from app.engine.onnx.vision.sight import Sight

Outcome = BackendEvent | SllmError | BackendDied


@dataclass(frozen=True)
class Request:
    """What the backend is asked: `prompt` in token ids, for a slot of its own. `sight` is what
    its ids below zero show; models that see always have one. `encoding_ms` has been spent on it.
    """

    prompt: list[int]
    options: GenerationOptions
    slot: int
    reuse: bool
    sight: Sight | None = None
    encoding_ms: float = 0.0


@dataclass(eq=False)
class Sequence:
    """A request in work. `deliver` is called (on the event loop) with what has happened."""

    request: Request
    text: TextStream
    stop: StopFilter
    guide: Guide | None
    end_tokens: frozenset[int]
    deliver: Callable[[Outcome], None]
    generated: int = 0
    newest: int = -1
    ended: bool = False
    cached: int = 0
    started_at: float = 0.0
    prompt_ms: float = 0.0
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sampler = Sampler(self.request.options, self.request.prompt)

    def begin(self, cached: int) -> None:
        """Prefill starts; `cached` tokens of the prompt are computed already."""
        self.cached, self.started_at = cached, time.monotonic()
        self._advance(cached)

    def prefilled(self, processed: int) -> None:
        self._advance(processed)
        if processed == len(self.request.prompt):
            prefill_ms = (time.monotonic() - self.started_at) * 1000
            self.prompt_ms = self.request.encoding_ms + prefill_ms

    def _advance(self, processed: int) -> None:
        self.outcomes.append(Progress(processed, len(self.request.prompt), self.cached))

    def sample(self, logits: np.ndarray[Any, np.dtype[np.float32]]) -> None:
        """The next token, from logits [vocabulary] that may be changed."""
        try:
            if self.guide is not None:
                self.guide.restrict(logits)
            self._take(self._sampler.choose(logits))
        except SllmError as error:
            self.fail(error)

    def _take(self, token: int) -> None:
        self.newest = token
        self.generated += 1
        if token in self.end_tokens:
            self._end("stop", self.stop.rest(), token)
            return
        if self.guide is not None:
            self.guide.accept(token)
        text = self.stop.feed(self.text.feed(token))
        if self.stop.stopped:
            self._end("stop", text, token)
        elif self.guide is not None and self.guide.finished:
            self._end("stop", text + self.stop.rest(), token)
        elif self.generated >= self.request.options.max_tokens:
            self._end("length", text + self.stop.rest(), token)
        else:
            self.outcomes.append(Piece(text, (token,)))

    def _end(self, reason: Literal["stop", "length"], text: str, token: int) -> None:
        self.ended = True
        self.outcomes.append(Piece(text, (token,)))
        self.outcomes.append(End(reason, self.generated, self.cached, self.prompt_ms))

    def take_outcomes(self) -> list[Outcome]:
        """What has happened since the last call."""
        taken, self.outcomes = self.outcomes, []
        return taken

    def fail(self, error: SllmError | BackendDied) -> None:
        self.ended = True
        self.outcomes.append(error)
