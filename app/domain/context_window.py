"""Choosing the history that fits the window: whole turns, oldest dropped first."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.errors import SllmError
from app.domain.generation import ContextReport
from app.domain.messages import Message
from app.domain.options import ContextPolicy

Render = Callable[[Sequence[Message]], Awaitable[list[int]]]


@dataclass(frozen=True)
class Fit:
    """The prompt's token ids, and how it came to fit."""

    prompt: list[int]
    report: ContextReport


@dataclass(frozen=True)
class Limits:
    """`window` and `reserve` (room kept for the answer while cutting) in tokens,
    `max_history` in messages between what always stays at the front (`head` messages, or a system
    message) and the newest one."""

    window: int
    reserve: int
    max_history: int
    policy: ContextPolicy
    head: int = 0


def turns_of(history: Sequence[Message]) -> list[tuple[Message, ...]]:
    """Cut into turns: a user message and what follows it. Leading answers form a turn."""
    turns: list[list[Message]] = []
    for message in history:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return [tuple(turn) for turn in turns]


def _over_limit(turns: list[tuple[Message, ...]], max_history: int) -> int:
    """How many of the oldest turns must go so that at most `max_history` messages stay."""
    kept = sum(map(len, turns))
    for dropped, turn in enumerate(turns):
        if kept <= max_history:
            return dropped
        kept -= len(turn)
    return len(turns)


async def fit(messages: Sequence[Message], limits: Limits, render: Render) -> Fit:
    """Drop the fewest oldest turns so that the prompt leaves `reserve` tokens of the window.

    A leading system message, the first `limits.head` messages and the newest one, with the turn
    that it belongs to where it is a tool's result, always stay; they alone need only leave room
    for one token. Raises `context_length_exceeded` when they do not, or when the policy is
    "error" and something would have to go. `render` gives a prompt's token ids and
    is called O(log turns) times.
    """
    kept_first = max(limits.head, messages[0].role == "system")
    head = tuple(messages[: min(kept_first, len(messages) - 1)])
    tail = max(len(head), _newest(messages))
    turns, newest = turns_of(messages[len(head) : tail]), messages[tail:]

    async def rendered(dropped: int) -> list[int]:
        kept = [message for turn in turns[dropped:] for message in turn]
        return await render([*head, *kept, *newest])

    whole = await rendered(0)
    dropped, prompt = await _search(turns, limits, rendered, whole)
    if len(prompt) >= limits.window or (dropped and limits.policy == "error"):
        tokens = len(whole) if dropped and limits.policy == "error" else len(prompt)
        raise _too_long(tokens, limits.window)
    return Fit(
        prompt,
        ContextReport(
            window=limits.window,
            prompt_tokens=len(prompt),
            policy=limits.policy,
            dropped_messages=sum(len(turn) for turn in turns[:dropped]),
            dropped_tokens=len(whole) - len(prompt),
        ),
    )


def _newest(messages: Sequence[Message]) -> int:
    """Where the newest message is; results of tools belong to the question that they are for."""
    place = len(messages) - 1
    while place > 0 and (messages[place].role == "tool" or messages[place].calls):
        place -= 1
    return place


async def _search(
    turns: list[tuple[Message, ...]],
    limits: Limits,
    rendered: Callable[[int], Awaitable[list[int]]],
    whole: list[int],
) -> tuple[int, list[int]]:
    """The fewest dropped turns that fit, by bisection, and their prompt."""
    # An answer needs room for a token, whatever is reserved for it.
    room = limits.window - max(1, limits.reserve)
    low, high = _over_limit(turns, limits.max_history), len(turns)
    prompt = whole if low == 0 else await rendered(low)
    if len(prompt) <= room or low == high:
        return low, prompt
    best = await rendered(high)
    while high - low > 1:
        middle = (low + high) // 2
        candidate = await rendered(middle)
        if len(candidate) <= room:
            high, best = middle, candidate
        else:
            low = middle
    return high, best


def _too_long(prompt_tokens: int, window: int) -> SllmError:
    details: dict[str, Any] = {"prompt_tokens": prompt_tokens, "window": window}
    return SllmError("context_length_exceeded", param="message", details=details, **details)
