"""One generation's bookkeeping: backend events become what the client sees, with timings."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from app.domain.generation import (
    ContextReport,
    Finished,
    GenerationEvent,
    Prefill,
    Timings,
    Token,
    Usage,
)
from app.engine.backends.base import BackendDied, BackendEvent, End, Piece, Progress

SLOW_PREFILL_SECONDS = 1.0


class Meter:
    """Clock readings (CLOCK_MONOTONIC seconds), text and token ids of one generation, which came
    `arrived_at` and has stood in line since `entered_at`."""

    def __init__(self, arrived_at: float, entered_at: float, on_token: Callable[[], None]) -> None:
        self.arrived_at = arrived_at
        self.entered_at = entered_at
        self.started_at = time.monotonic()
        self.first_at: float | None = None
        self.last_at = self.started_at
        self.pieces: list[str] = []
        self.generated: list[int] = []
        self._on_token = on_token

    def token(self, piece: Piece) -> None:
        self.last_at = time.monotonic()
        if self.first_at is None:
            self.first_at = self.last_at
        self.pieces.append(piece.text)
        self.generated.extend(piece.tokens)
        self._on_token()

    def progress(self) -> bool:
        """Note that prefill advances; whether it has taken long enough to be told about."""
        self._on_token()
        return time.monotonic() - self.started_at > SLOW_PREFILL_SECONDS

    def held_seconds(self) -> float:
        return time.monotonic() - self.started_at

    def timings(self, end: End) -> Timings:
        now = time.monotonic()
        first = now if self.first_at is None else self.first_at
        seconds = self.last_at - first if self.first_at is not None else 0.0
        steps = end.completion_tokens - 1
        return Timings(
            queue_ms=_ms(self.started_at - self.entered_at),
            prompt_ms=round(end.prompt_ms, 2),
            first_token_ms=_ms(first - self.arrived_at),
            generation_ms=_ms(seconds),
            total_ms=_ms(now - self.arrived_at),
            tokens_per_second=round(steps / seconds, 2) if seconds > 0 and steps > 0 else 0.0,
        )


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 2)


async def follow(
    source: AsyncGenerator[BackendEvent, None], meter: Meter, context: ContextReport
) -> AsyncGenerator[GenerationEvent, None]:
    """Translate until the end. A source that stops without `End` has died."""
    async with aclosing(source) as events:
        async for event in events:
            match event:
                case Progress(processed=processed, total=total):
                    if meter.progress():
                        yield Prefill(processed, total)
                case Piece(text=text):
                    meter.token(event)
                    if text or event.logprobs:
                        yield Token(text, event.logprobs)
                case End():
                    yield _finished(event, meter, context)
                    return
    raise BackendDied("the stream ended without a reason")


def _finished(end: End, meter: Meter, context: ContextReport) -> Finished:
    prompt = context.prompt_tokens
    return Finished(
        text="".join(meter.pieces),
        finish_reason=end.reason,
        usage=Usage(
            prompt_tokens=prompt,
            completion_tokens=end.completion_tokens,
            total_tokens=prompt + end.completion_tokens,
            cached_tokens=end.cached_tokens,
        ),
        timings=meter.timings(end),
        context=context,
    )
