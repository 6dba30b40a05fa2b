"""The waiting line."""

import pytest

from app.domain.errors import SllmError
from app.engine.fair_queue import FairQueue


def filled(*items: tuple[str, str], limit: int = 10) -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue(limit)
    for client, item in items:
        queue.push(client, item)
    return queue


def drain(queue: FairQueue[str]) -> list[str | None]:
    return [queue.pop() for _ in range(len(queue))]


def test_one_client_is_served_in_order() -> None:
    assert drain(filled(("a", "1"), ("a", "2"), ("a", "3"))) == ["1", "2", "3"]


def test_clients_take_turns() -> None:
    queue = filled(("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("b", "b2"))
    assert drain(queue) == ["a1", "b1", "a2", "b2", "a3"]


def test_a_newcomer_goes_before_a_client_that_already_runs() -> None:
    queue = filled(("a", "a1"), ("a", "a2"), ("a", "a3"))
    assert queue.pop() == "a1"
    queue.push("b", "b1")
    assert queue.pop() == "b1"


def test_a_finished_generation_counts_no_more() -> None:
    queue = filled(("a", "a1"), ("a", "a2"), ("b", "b1"))
    assert queue.pop() == "a1"
    queue.finished("a")
    assert queue.pop() == "b1"
    assert queue.pop() == "a2"


def test_positions_foretell_the_order() -> None:
    queue = filled(("a", "a1"), ("a", "a2"), ("b", "b1"), ("c", "c1"), ("c", "c2"))
    assert queue.in_order() == drain(queue)


def test_what_gave_up_is_skipped() -> None:
    queue = filled(("a", "a1"), ("b", "b1"))
    queue.remove("a", "a1")
    queue.remove("a", "never there")
    assert drain(queue) == ["b1"]


def test_a_full_line_says_so_and_when_to_come_back() -> None:
    queue = filled(("a", "1"), limit=1)
    with pytest.raises(SllmError) as caught:
        queue.check_room(estimated_wait_seconds=7.4)
    assert (caught.value.code, caught.value.retry_after) == ("overloaded", 7)
