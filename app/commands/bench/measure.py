"""Measuring a server through its public API, so that the figures are those a client sees."""

import statistics
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
from msgspec import Struct

from app.commands.client import Client

PATH = "/api/v2/chat/stream"
# About as many words make a token less, in English; the answer tells how many tokens it was.
WORDS_PER_TOKEN = 0.75
WORDS = [
    "the",
    "river",
    "runs",
    "past",
    "old",
    "stone",
    "houses",
    "while",
    "people",
    "walk",
    "slowly",
    "home",
    "in",
    "the",
    "evening",
]


class Figures(Struct, frozen=True):
    """Medians over all requests with so many `streams` at once. `total_per_second` are the tokens
    of all streams together; `memory_bytes` is what the engine held at the end."""

    model: str
    streams: int
    prompt_tokens: int
    completion_tokens: int
    prefill_per_second: float
    first_token_ms: float
    tokens_per_second: float
    total_per_second: float
    memory_bytes: int


class _Answer(Struct, frozen=True):
    """One request; `started` and `ended` are seconds of `time.perf_counter`."""

    done: dict[str, Any]
    started: float
    ended: float


def measure(
    client: Client, pid: int, streams: int, prompt: int, tokens: int, repeats: int
) -> Figures:
    """`repeats` rounds of `streams` requests at once, after one that is not counted. Raises
    ApiError and UnreachableError."""
    _ask(client, "warm-up", 16, 8)
    rounds = [_round(client, number, streams, prompt, tokens) for number in range(repeats)]
    answers = [answer for each in rounds for answer in each]
    return Figures(
        model=str(answers[0].done["model"]),
        streams=streams,
        prompt_tokens=round(_median(each.done["usage"]["prompt_tokens"] for each in answers)),
        completion_tokens=round(
            _median(each.done["usage"]["completion_tokens"] for each in answers)
        ),
        prefill_per_second=_median(map(_prefill, answers)),
        first_token_ms=_median(each.done["timings"]["first_token_ms"] for each in answers),
        tokens_per_second=_median(
            each.done["timings"]["tokens_per_second"] or 0 for each in answers
        ),
        total_per_second=_median(map(_together, rounds)),
        memory_bytes=engine_memory(pid),
    )


def engine_memory(pid: int) -> int:
    """Resident bytes of the engines of the server `pid`, weights included."""
    engines = [
        child
        for child in psutil.Process(pid).children(recursive=True)
        if "app.engine.process" in child.cmdline()
    ]
    return sum(engine.memory_info().rss for engine in engines)


def _round(client: Client, number: int, streams: int, prompt: int, tokens: int) -> list[_Answer]:
    """All at once; each prompt begins differently, so that none has another's cache."""
    with ThreadPoolExecutor(streams) as threads:
        asked = [
            threads.submit(_ask, client, f"{number}-{stream}", prompt, tokens)
            for stream in range(streams)
        ]
        return [each.result() for each in asked]


def _ask(client: Client, key: str, prompt: int, tokens: int) -> _Answer:
    count = max(4, round(prompt * WORDS_PER_TOKEN))
    text = " ".join([f"Story {key}:", *(WORDS[index % len(WORDS)] for index in range(count))])
    body = {"message": f"{text}. Tell it to the end.", "max_tokens": tokens, "temperature": 0}
    started, done = time.perf_counter(), {}
    for name, data in client.stream(PATH, body):
        if name == "done":
            done = data
    return _Answer(done, started, time.perf_counter())


def _prefill(answer: _Answer) -> float:
    usage, milliseconds = answer.done["usage"], answer.done["timings"]["prompt_ms"]
    read = usage["prompt_tokens"] - usage["cached_tokens"]
    return 1000 * read / milliseconds if milliseconds else 0.0


def _together(answers: list[_Answer]) -> float:
    tokens = sum(answer.done["usage"]["completion_tokens"] for answer in answers)
    seconds = max(each.ended for each in answers) - min(each.started for each in answers)
    return float(tokens / seconds)


def _median(values: Iterable[float]) -> float:
    return float(statistics.median(values))
