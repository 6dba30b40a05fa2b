"""The events of a llama.cpp completion stream, as backend events."""

from collections.abc import AsyncGenerator, AsyncIterator

import msgspec
from msgspec import Struct

from app.domain.errors import SllmError
from app.engine.backends.base import BackendEvent, End, Piece, Progress


class _Progress(Struct):
    total: int
    cache: int
    processed: int


class _Timings(Struct, frozen=True):
    cache_n: int = 0
    prompt_ms: float = 0.0


class _Words(Struct):
    message: str = ""
    type: str = ""


class _Chunk(Struct):
    content: str = ""
    tokens: list[int] = []
    stop: bool = False
    stop_type: str = ""
    tokens_predicted: int = 0
    prompt_progress: _Progress | None = None
    timings: _Timings = _Timings()
    error: _Words | None = None


_chunks = msgspec.json.Decoder(_Chunk)


async def follow_completion(
    events: AsyncIterator[bytes], stop: tuple[str, ...]
) -> AsyncGenerator[BackendEvent, None]:
    """Progress, pieces and the end. Raises SllmError for an error inside the stream.

    A stream that ends early just stops here: the caller knows that it has died.
    """
    async for data in events:
        chunk = _chunks.decode(data)
        if chunk.error is not None:
            raise SllmError("invalid_parameter", "engine_refused")
        if chunk.prompt_progress is not None:
            at = chunk.prompt_progress
            yield Progress(at.processed, at.total, at.cache)
            continue
        if chunk.content or chunk.tokens:
            yield Piece(chunk.content, tuple(chunk.tokens))
        if chunk.stop:
            yield _end(chunk)
            return


def _end(chunk: _Chunk) -> End:
    return End(
        reason="length" if chunk.stop_type == "limit" else "stop",
        completion_tokens=chunk.tokens_predicted,
        cached_tokens=chunk.timings.cache_n,
        prompt_ms=chunk.timings.prompt_ms,
    )
