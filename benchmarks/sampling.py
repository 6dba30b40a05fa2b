"""One sample: some streams at once against one server, and what came of it."""

import asyncio
import statistics
import time
from collections.abc import Sequence

import uvloop
from msgspec import Struct

from benchmarks.client import Answer, ask_stream
from benchmarks.quiet import Neighbours
from benchmarks.servers import Contender


class Sample(Struct, frozen=True):
    """`tokens_per_second` counts from the first request to the last token, `decode_per_second`
    sums the streams' rates after their first tokens; `neighbour_cores` is what other programs
    used meanwhile."""

    tokens_per_second: float
    decode_per_second: float
    first_token_ms: float
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    neighbour_cores: float = 0.0


def sample(contender: Contender, keys: Sequence[str], max_tokens: int) -> Sample:
    """Ask for one stream a key, all at once."""
    neighbours = Neighbours([contender.pid])
    started, answers = uvloop.run(_answers(contender, keys, max_tokens))
    return summary(started, answers, neighbours.cores())


async def _answers(
    contender: Contender, keys: Sequence[str], max_tokens: int
) -> tuple[float, list[Answer]]:
    started = time.perf_counter()
    asked = [ask_stream(contender.port, contender.dialect, key, max_tokens) for key in keys]
    return started, await asyncio.gather(*asked)


def summary(started: float, answers: Sequence[Answer], neighbour_cores: float = 0.0) -> Sample:
    """`started` is on the clock of the answers."""
    tokens = sum(answer.completion_tokens for answer in answers)
    return Sample(
        tokens_per_second=tokens / (max(answer.last_at for answer in answers) - started),
        decode_per_second=sum(map(_decode_rate, answers)),
        first_token_ms=1000 * statistics.median(answer.first_at - started for answer in answers),
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        completion_tokens=tokens,
        cached_tokens=sum(answer.cached_tokens for answer in answers),
        neighbour_cores=neighbour_cores,
    )


def _decode_rate(answer: Answer) -> float:
    seconds = answer.last_at - answer.first_at
    return (answer.completion_tokens - 1) / seconds if seconds > 0 else 0.0
