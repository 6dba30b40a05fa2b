"""Choosing the history that fits, to the token."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.context_window import Fit, Limits, fit, turns_of
from app.domain.errors import SllmError
from app.domain.messages import Message

CONVERSATION = tuple(
    Message("user" if number % 2 == 0 else "assistant", "x" * 10) for number in range(8)
)
SYSTEM, NEWEST = Message("system", "s" * 5), Message("user", "n" * 7)


async def render(messages: Sequence[Message]) -> list[int]:
    """A token a character, and two for each message."""
    return [1] * sum(len(message.content) + 2 for message in messages)


def limits(window: int, reserve: int = 0, policy: str = "drop_oldest", most: int = 100) -> Limits:
    return Limits(window, reserve, most, policy)  # type: ignore[arg-type]


async def fitted(window: int, **options: object) -> Fit:
    messages = (SYSTEM, *CONVERSATION, NEWEST)
    return await fit(messages, limits(window, **options), render)  # type: ignore[arg-type]


WHOLE = 7 + 8 * 12 + 9


async def test_everything_stays_when_it_fits() -> None:
    fit_ = await fitted(WHOLE + 1)
    assert (fit_.report.dropped_messages, len(fit_.prompt)) == (0, WHOLE)


async def test_the_oldest_turn_goes_first_and_is_counted() -> None:
    fit_ = await fitted(WHOLE - 1)
    assert (fit_.report.dropped_messages, fit_.report.dropped_tokens) == (2, 24)
    assert fit_.report.prompt_tokens == WHOLE - 24


async def test_room_for_the_answer_is_kept_while_cutting() -> None:
    assert (await fitted(WHOLE + 10, reserve=10)).report.dropped_messages == 0
    assert (await fitted(WHOLE + 9, reserve=10)).report.dropped_messages == 2


async def test_system_and_newest_stay_even_without_the_reserve() -> None:
    fit_ = await fitted(17, reserve=16)
    assert (fit_.report.dropped_messages, fit_.report.prompt_tokens) == (8, 16)


@pytest.mark.parametrize(("window", "fits"), [(17, True), (16, False), (15, False)])
async def test_the_boundary_is_exact(window: int, fits: bool) -> None:
    if fits:
        assert (await fitted(window)).report.prompt_tokens == 16
        return
    with pytest.raises(SllmError) as caught:
        await fitted(window)
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.details == {"prompt_tokens": 16, "window": window}


async def test_the_error_policy_refuses_to_cut() -> None:
    assert (await fitted(WHOLE + 1, policy="error")).report.dropped_messages == 0
    with pytest.raises(SllmError) as caught:
        await fitted(WHOLE - 1, policy="error")
    assert caught.value.details == {"prompt_tokens": WHOLE, "window": WHOLE - 1}


async def test_the_history_is_bounded_in_messages_too() -> None:
    assert (await fitted(1000, most=4)).report.dropped_messages == 4
    assert (await fitted(1000, most=3)).report.dropped_messages == 6
    assert (await fitted(1000, most=0)).report.dropped_messages == 8


async def test_what_a_template_puts_first_stays_with_the_system_prompt() -> None:
    messages = (SYSTEM, *CONVERSATION, NEWEST)
    kept = Limits(WHOLE, 0, 2, "drop_oldest", head=3)
    fit_ = await fit(messages, kept, render)
    assert fit_.report.dropped_messages == 4
    assert len(fit_.prompt) == 7 + 2 * 12 + 2 * 12 + 9
    without_system = Limits(34, 0, 100, "drop_oldest", head=2)
    assert (await fit(messages[1:], without_system, render)).report.dropped_messages == 6


@pytest.mark.parametrize("head", [10, 1000])
async def test_a_head_that_alone_does_not_fit_is_refused(head: int) -> None:
    messages = (SYSTEM, *CONVERSATION, NEWEST)
    with pytest.raises(SllmError) as caught:
        await fit(messages, Limits(WHOLE, 0, 100, "drop_oldest", head=head), render)
    assert caught.value.details == {"prompt_tokens": WHOLE, "window": WHOLE}


@example(sizes=[("user", 2)], window=20, reserve=0)
@given(
    sizes=st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.integers(0, 30))),
    window=st.integers(20, 400),
    reserve=st.integers(0, 50),
)
async def test_as_little_as_possible_is_dropped(
    sizes: list[tuple[str, int]], window: int, reserve: int
) -> None:
    history = [Message(role, "x" * size) for role, size in sizes]  # type: ignore[arg-type]
    fit_ = await fit([SYSTEM, *history, NEWEST], limits(window, reserve), render)
    turns = turns_of(history)
    sums = [
        len(await render([SYSTEM, *(m for turn in turns[dropped:] for m in turn), NEWEST]))
        for dropped in range(len(turns) + 1)
    ]
    expected = next(
        (n for n, size in enumerate(sums) if size <= window - max(1, reserve)), len(turns)
    )
    assert fit_.report.dropped_messages == sum(map(len, turns[:expected]))
    assert fit_.report.dropped_tokens == sums[0] - sums[expected]


def test_turns_begin_with_the_user() -> None:
    messages = [Message("assistant", "a"), *CONVERSATION[:3], Message("user", "b")]
    assert [len(turn) for turn in turns_of(messages)] == [1, 2, 1, 1]
