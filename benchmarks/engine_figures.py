"""What is measured of a server in `benchmarks.engines`, all of it through HTTP."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator

import msgspec

from benchmarks import questions
from benchmarks.client import (
    BenchmarkError,
    Reply,
    answer_of,
    ask,
    ask_stream,
    begin,
    post,
    token_times,
)
from benchmarks.servers import Contender

OTHERS = 7
DECODED = 128
# Pieces that every stream must have had while all of them decoded.
OVERLAP, ATTEMPTS = 32, 8
# Prompts in tokens, about.
PREFILLED, NEWCOMER, LONG = 600, 150, 4000
TURN_WORDS = 75
TURNS = 5
ENDLESS = 2000

# Of one length, so that no prompt is longer than another.
_numbers = itertools.count(1000)


def key() -> str:
    """The beginning of a prompt that nobody has seen: no cache helps."""
    return f"K{next(_numbers)}"


async def words_for(server: Contender, tokens: int) -> int:
    """How many words a question must have for a prompt of about so many tokens."""
    few, many = questions.WORDS, questions.WORDS + 60
    sizes = [
        (await ask_stream(server.port, server.dialect, key(), 1, words)).prompt_tokens
        for words in (few, many)
    ]
    each = (sizes[1] - sizes[0]) / (many - few)
    return few + max(0, round((tokens - sizes[0]) / each))


async def decode(server: Contender, streams: int) -> float:
    """Tokens a second of all streams together while all of them decode. Answers that end too
    soon for that are asked for anew, about something else. Raises BenchmarkError."""
    for _ in range(ATTEMPTS):
        rate = await _decode(server, streams)
        if rate is not None:
            return rate
    raise BenchmarkError(f"{streams} answers of {server.name} never overlap")


def _counting(server: Contender) -> bytes:
    """A question whose answer does not end by itself."""
    name = key()
    body = questions.body(name, DECODED)
    body["messages"][1]["content"] = f"{name}: write the numbers from 1 to 300 with commas."
    return post(server.dialect.path, body | server.dialect.extra)


async def _decode(server: Contender, streams: int) -> float | None:
    replies = await asyncio.gather(*(begin(server.port, _counting(server)) for _ in range(streams)))
    await asyncio.gather(*(reply.ended for reply in replies))
    answers = [answer_of(reply, server.dialect) for reply in replies]
    start = max(answer.first_at for answer in answers)
    end = min(answer.last_at for answer in answers)
    times = [token_times(reply, server.dialect) for reply in replies]
    counted = [sum(start < at <= end for at in came) for came in times]
    if min(counted) < OVERLAP:
        return None
    # Pieces may carry more than a token each, the same for everybody who runs these weights.
    pieces = sum(map(len, times))
    tokens = sum(answer.completion_tokens for answer in answers)
    return sum(counted) * (tokens / pieces) / (end - start)


async def prefill(server: Contender) -> float:
    """Prompt tokens a second, up to the first token of the answer."""
    words = await words_for(server, PREFILLED)
    began = time.perf_counter()
    answer = await ask_stream(server.port, server.dialect, key(), 2, words)
    return answer.prompt_tokens / (answer.first_at - began)


async def first_token(server: Contender, words: int) -> float:
    """Seconds to the first token of a prompt with so many words."""
    began = time.perf_counter()
    answer = await ask_stream(server.port, server.dialect, key(), 2, words)
    return answer.first_at - began


async def newcomer(
    server: Contender, words: int, others: int = OTHERS
) -> tuple[float, float, float]:
    """Beside streams that decode: seconds to a newcomer's first token, the largest gap between
    two tokens of one of the others meanwhile, and their usual gap before (a step)."""
    async with _others(server, others) as replies:
        before = [token_times(reply, server.dialect) for reply in replies]
        step = _median([b - a for times in before for a, b in itertools.pairwise(times[1:])])
        began = time.perf_counter()
        first = await first_token(server, words)
        times = [token_times(reply, server.dialect) for reply in replies]
    gaps = [
        after - earlier
        for came in times
        for earlier, after in itertools.pairwise(came)
        if after > began and earlier < began + first
    ]
    return first, max(gaps, default=0.0), step


@contextlib.asynccontextmanager
async def _others(server: Contender, count: int) -> AsyncIterator[list[Reply]]:
    """Streams that decode, each a good way into its answer; they leave at the end. What is
    listed grows when one has said all it had to say and another begins."""
    replies: list[Reply] = []

    async def talk() -> None:
        while True:
            reply = await begin(server.port, server.dialect.request(key(), ENDLESS))
            replies.append(reply)
            try:
                await reply.ended
            finally:
                reply.leave()

    talking = [asyncio.create_task(talk()) for _ in range(count)]
    try:
        while len([reply for reply in replies if _is_going(reply, server)]) < count:
            await asyncio.sleep(0.05)  # a look at what has arrived
            if failed := next((task for task in talking if task.done()), None):
                failed.result()
        yield replies
    finally:
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


def _is_going(reply: Reply, server: Contender) -> bool:
    return not reply.ended.done() and reply.raw.count(server.dialect.token) >= 8


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


async def last_turn(server: Contender) -> tuple[float, float, int]:
    """A conversation of five turns and about 2,000 tokens: seconds to the first token of the
    last turn; of the same prompt when nothing of it is known; and its length in tokens."""
    began_with = key()
    messages = questions.messages(began_with)[:1]
    first, tokens = 0.0, 0
    for turn in range(TURNS):
        # Long ones before; what the last turn adds is a short question, as in any conversation.
        words = TURN_WORDS if turn < TURNS - 1 else 0
        filler = " ".join(f"{turn}w{number:03d}" for number in range(words))
        messages.append({"role": "user", "content": f"{filler} Tell me more."})
        first, tokens, text = await _turn(server, messages)
        if turn < TURNS - 1:
            messages.append({"role": "assistant", "content": text})
    other = [dict(message) for message in messages]
    other[0]["content"] = other[0]["content"].replace(began_with, key())
    fresh, _, _ = await _turn(server, other)
    return first, fresh, tokens


async def _turn(server: Contender, messages: list[dict[str, str]]) -> tuple[float, int, str]:
    body = questions.body("", 24) | {"messages": messages} | server.dialect.extra
    began = time.perf_counter()
    reply = await ask(server.port, post(server.dialect.path, body))
    answer = answer_of(reply, server.dialect)
    return answer.first_at - began, answer.prompt_tokens, _text(reply)


def _text(reply: Reply) -> str:
    """The whole answer, as our server's last event has it."""
    for line in reversed(reply.raw.split(b"\n")):
        if line.startswith(b"data: {") and b'"response":' in line:
            found: str = msgspec.json.decode(line[6:])["response"]
            return found
    raise BenchmarkError("no whole answer")
