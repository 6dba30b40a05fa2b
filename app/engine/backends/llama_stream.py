"""The events of a llama.cpp completion stream, as backend events.

Stop strings are found here: llama.cpp loses the text that it holds back for one when an answer
ends by its length, and gives a held token's text to a later token.
"""

from collections.abc import AsyncGenerator, AsyncIterator

import msgspec
from msgspec import Struct

from app.domain.errors import SllmError
from app.engine.backends.base import BackendEvent, End, Piece, Progress
from app.engine.backends.llama_logprobs import Chosen, records
from app.engine.stop import StopFilter


class _Progress(Struct, frozen=True):
    total: int = 0
    cache: int = 0
    processed: int = 0
    time_ms: float = 0.0


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
    completion_probabilities: list[Chosen] = []
    prompt_progress: _Progress | None = None
    timings: _Timings = _Timings()
    error: _Words | None = None


_chunks = msgspec.json.Decoder(_Chunk)


async def follow_completion(
    events: AsyncIterator[bytes], stop: StopFilter, alternatives: int = 0
) -> AsyncGenerator[BackendEvent, None]:
    """Progress, pieces and the end. Raises SllmError for an error inside the stream.
    `alternatives` are told with each token, where the request asked for log probabilities.

    A stream that ends early just stops here: the caller knows that it has died.
    """
    prefill = _Progress()
    async for data in events:
        chunk = _chunks.decode(data)
        if chunk.error is not None:
            raise SllmError("invalid_parameter", "engine_refused")
        if chunk.prompt_progress is not None:
            prefill = chunk.prompt_progress
            yield Progress(prefill.processed, prefill.total, prefill.cache)
            continue
        text = stop.feed(chunk.content)
        if chunk.stop:
            text += stop.rest()
        if text or chunk.tokens:
            told = records(chunk.completion_probabilities, alternatives)
            yield Piece(text, tuple(chunk.tokens), told)
        if stop.stopped:
            yield End("stop", chunk.tokens_predicted, prefill.cache, prefill.time_ms)
            return
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
