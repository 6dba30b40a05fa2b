"""One generation in the batch: what it has computed, how it goes on, and when it ends."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec
import numpy as np

from app.domain.errors import SllmError
from app.domain.options import GenerationOptions
from app.engine.backends.base import BackendDied, BackendEvent, End, Piece, Progress
from app.engine.onnx.guidance import Guide
from app.engine.onnx.logprobs import Observed
from app.engine.onnx.sampler import Sampler
from app.engine.onnx.tokenizer import TextStream
from app.engine.onnx.vision.sight import Sight
from app.engine.stop import StopFilter

log = logging.getLogger(__name__)
Outcome = BackendEvent | SllmError | BackendDied
Reason = Literal["stop", "length"]


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


def request_of(asked: Request, *, window: int, vocabulary: int) -> Request:
    """A request that the graph may be run with: a run that fails ends everybody's, and one beyond
    the window writes into foreign memory. Raises SllmError."""
    length = len(asked.prompt)
    if length > window:
        facts: dict[str, Any] = {"prompt_tokens": length, "window": window}
        raise SllmError("context_length_exceeded", details=facts, **facts)
    words = asked.prompt if asked.sight is None else asked.sight.words
    if not length or min(words) < 0 or max(words) >= vocabulary:
        raise SllmError("invalid_parameter", "engine_refused")
    # The last token is never computed, so it needs no room.
    most = min(asked.options.max_tokens, window - length + 1)
    return replace(asked, options=msgspec.structs.replace(asked.options, max_tokens=most))


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
        self._alternatives = self.request.options.logprobs

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
            observed = None if self._alternatives is None else Observed(logits)
            if self.guide is not None:
                self.guide.restrict(logits)
            token = self._sampler.choose(logits)
            text, reason = self._take(token)
            self.outcomes.append(self._piece(text, token, observed))
            if reason is not None:
                self._end(reason)
        except SllmError as error:
            self.fail(error)
        except Exception:
            # All of the above touches this sequence and its own row only: the others go on.
            log.exception("a generation has failed")
            self.fail(SllmError("internal_error"))

    def _take(self, token: int) -> tuple[str, Reason | None]:
        """The text that is certain with this token, and why it is the last one, if it is."""
        self.newest = token
        self.generated += 1
        if token in self.end_tokens:
            return self.stop.rest(), "stop"
        if self.guide is not None:
            self.guide.accept(token)
        text = self.stop.feed(self.text.feed(token))
        if self.stop.stopped:
            return text, "stop"
        if self.guide is not None and self.guide.finished:
            return text + self.stop.rest(), "stop"
        if self.generated >= self.request.options.max_tokens:
            return text + self.stop.rest(), "length"
        return text, None

    def _piece(self, text: str, token: int, observed: Observed | None) -> Piece:
        if observed is None:
            return Piece(text, (token,))
        told = observed.told(token, self._alternatives or 0, self.text.bytes_of)
        return Piece(text, (token,), (told,))

    def _end(self, reason: Reason) -> None:
        self.ended = True
        self.outcomes.append(End(reason, self.generated, self.cached, self.prompt_ms))

    def take_outcomes(self) -> list[Outcome]:
        """What has happened since the last call."""
        taken, self.outcomes = self.outcomes, []
        return taken

    def fail(self, error: SllmError | BackendDied) -> None:
        self.ended = True
        self.outcomes.append(error)
