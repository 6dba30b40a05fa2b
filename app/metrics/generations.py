"""Counts generations as they pass: tokens while they come, times when they are known."""

import time
from collections.abc import Iterable

from app.domain.errors import SllmError
from app.domain.generation import (
    Accepted,
    Finished,
    GenerationEvent,
    GenerationRequest,
    Queued,
    Token,
)
from app.metrics.instruments import Instruments


class GenerationMetrics:
    """A GenerationObserver; every engine's counters are there, at 0, from the start."""

    def __init__(self, instruments: Instruments, engines: Iterable[str]) -> None:
        self._engines = {engine: EngineInstruments(instruments, engine) for engine in engines}

    def begin(
        self, engine: str, model: str | None, request: GenerationRequest
    ) -> "CountedGeneration":
        return CountedGeneration(self._engines[engine], request.arrived_at)


class EngineInstruments:
    """The instruments of one engine, looked up once: this is asked at every token."""

    def __init__(self, all_of: Instruments, engine: str) -> None:
        self.first_token = all_of.first_token.labels(engine)
        self.inter_token = all_of.inter_token.labels(engine)
        self.queue_time = all_of.queue_time.labels(engine)
        self.prefill_time = all_of.prefill_time.labels(engine)
        self.generation_time = all_of.generation_time.labels(engine)
        self.speed = all_of.speed.labels(engine)
        self.prompt_tokens = all_of.prompt_tokens.labels(engine)
        self.cached_tokens = all_of.cached_tokens.labels(engine)
        self.completion_tokens = all_of.completion_tokens.labels(engine)
        self.prompt_size = all_of.prompt_size.labels(engine)
        self.completion_size = all_of.completion_size.labels(engine)
        self.context_cuts = all_of.context_cuts.labels(engine)
        self._generations, self._engine = all_of.generations, engine

    def ended(self, outcome: str) -> None:
        self._generations.labels(self._engine, outcome).inc()


class CountedGeneration:
    """A GenerationWatch. Times are CLOCK_MONOTONIC seconds, as the engine's."""

    def __init__(self, instruments: EngineInstruments, arrived_at: float) -> None:
        self._count = instruments
        self._arrived_at = arrived_at
        self._prompt_tokens = 0
        self._pieces = 0
        self._last_at = 0.0
        self._waiting = False
        self._outcome: str | None = None

    def event(self, event: GenerationEvent) -> None:
        match event:
            case Token():
                self._token(time.monotonic())
            case Accepted(context=context):
                self._prompt_tokens = context.prompt_tokens
                if context.dropped_messages:
                    self._count.context_cuts.inc()
            case Finished():
                self._finished(event)
        self._waiting = isinstance(event, Queued)

    def ended(self, error: SllmError | None) -> None:
        if self._outcome is None:
            self._cut()
        self._count.ended(self._outcome or ("cancelled" if error is None else "failed"))

    def _token(self, now: float) -> None:
        if self._pieces:
            self._count.inter_token.observe(now - self._last_at)
        else:
            self._count.first_token.observe(max(0.0, now - self._arrived_at))
        self._last_at = now
        self._pieces += 1
        self._count.completion_tokens.inc()

    def _finished(self, end: Finished) -> None:
        count, usage, timings = self._count, end.usage, end.timings
        self._outcome = end.finish_reason
        count.prompt_tokens.inc(usage.prompt_tokens)
        count.cached_tokens.inc(usage.cached_tokens)
        count.completion_tokens.inc(max(0, usage.completion_tokens - self._pieces))
        count.prompt_size.observe(usage.prompt_tokens)
        count.completion_size.observe(usage.completion_tokens)
        count.queue_time.observe(timings.queue_ms / 1000)
        count.prefill_time.observe(timings.prompt_ms / 1000)
        count.generation_time.observe(timings.total_ms / 1000)
        if timings.tokens_per_second:
            count.speed.observe(timings.tokens_per_second)

    def _cut(self) -> None:
        """Somebody who gave up waiting has waited; a prompt that was read has cost its tokens."""
        if self._waiting:
            self._count.queue_time.observe(max(0.0, time.monotonic() - self._arrived_at))
        elif self._pieces:
            self._count.prompt_tokens.inc(self._prompt_tokens)
