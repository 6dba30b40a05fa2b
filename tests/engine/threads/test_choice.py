"""How many threads follow from what was seen of the machine: loads on two cores, no clock."""

import itertools
from collections.abc import Iterable

from app.engine.threads.choice import (
    ThreadChoice,
    threads_beside,
    wanted_by_others,
)
from app.engine.threads.machine import Look

NOTHING = Look(own=0.01, foreign=0.03, idle=1.96, cores=2)
# On two cores while the engine decodes: by itself; beside one program that never waits, with two
# threads and with one; beside two such programs.
ALONE = Look(own=1.83, foreign=0.12, idle=0.05, cores=2, waited=0.04)
ONE_BESIDE_TWO_THREADS = Look(own=1.36, foreign=0.63, idle=0.0, cores=2, waited=0.28)
ONE_BESIDE_ONE_THREAD = Look(own=0.98, foreign=1.01, idle=0.0, cores=2, waited=0.08)
ALONE_WITH_ONE_THREAD = Look(own=0.99, foreign=0.09, idle=0.92, cores=2, waited=0.02)
TWO_BESIDE_TWO_THREADS = Look(own=0.99, foreign=1.01, idle=0.0, cores=2, waited=0.5)
TWO_BESIDE_ONE_THREAD = Look(own=0.67, foreign=1.33, idle=0.0, cores=2, waited=0.34)
# While the engine has nothing to do.
BESIDE_NOTHING = Look(own=0.0, foreign=1.0, idle=1.0, cores=2)
NICED_BESIDE_ONE_THREAD = Look(own=0.99, foreign=0.1, idle=0.0, cores=2, waited=0.02)


def seen(choice: ThreadChoice, looks: Iterable[Look]) -> list[int]:
    return [choice.see(look) for look in looks]


def narrowed() -> ThreadChoice:
    choice = ThreadChoice(2)
    seen(choice, [ONE_BESIDE_TWO_THREADS] * 2)
    assert choice.threads == 1
    return choice


def test_alone_all_threads_compute() -> None:
    assert set(seen(ThreadChoice(2), [NOTHING, ALONE] * 20)) == {2}


def test_the_api_workers_of_many_streams_are_no_neighbour() -> None:
    serving = Look(own=1.65, foreign=0.3, idle=0.05, cores=2, waited=0.18)
    assert set(seen(ThreadChoice(2), [serving] * 20)) == {2}


def test_a_neighbour_gets_a_core_once_it_is_sure() -> None:
    choice = ThreadChoice(2)
    assert seen(choice, [ALONE, *[ONE_BESIDE_TWO_THREADS] * 3]) == [2, 2, 1, 1]


def test_a_neighbour_that_stays_is_seen_while_the_engine_has_nothing_to_do() -> None:
    assert seen(ThreadChoice(2), [BESIDE_NOTHING] * 10) == [*[2] * 9, 1]


def test_those_who_take_turns_with_it_are_no_neighbours() -> None:
    """Each computes while all others wait, for less than some seconds."""
    turn = [*[BESIDE_NOTHING] * 4, *[ALONE] * 3]
    assert set(seen(ThreadChoice(2), turn * 20)) == {2}
    assert set(seen(ThreadChoice(2), [*[BESIDE_NOTHING] * 4, ONE_BESIDE_TWO_THREADS])) == {2}


def test_a_free_core_is_taken_at_once() -> None:
    assert narrowed().see(ALONE_WITH_ONE_THREAD) == 2
    assert narrowed().see(NOTHING) == 2


def test_one_busy_moment_changes_nothing() -> None:
    assert set(seen(ThreadChoice(2), [ALONE, ONE_BESIDE_TWO_THREADS] * 20)) == {2}


def test_beside_a_steady_neighbour_it_stays() -> None:
    assert set(seen(narrowed(), [ONE_BESIDE_ONE_THREAD] * 100)) == {1}


def test_all_threads_are_back_when_the_neighbour_has_gone() -> None:
    assert seen(narrowed(), [ALONE_WITH_ONE_THREAD] * 4)[-1] == 2


def test_where_no_core_is_free_all_threads_take_their_share() -> None:
    choice = narrowed()
    assert seen(choice, [TWO_BESIDE_ONE_THREAD] * 4)[-1] == 2
    assert set(seen(choice, [TWO_BESIDE_TWO_THREADS] * 100)) == {2}


def test_a_niced_neighbour_keeps_nothing_from_it() -> None:
    assert seen(narrowed(), [NICED_BESIDE_ONE_THREAD] * 4)[-1] == 2


def test_a_neighbour_that_works_half_of_the_time_moves_it_once_at_most() -> None:
    """What it uses with two threads, then with one: it gets all it wants either way."""
    for duty in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        choice, threads = ThreadChoice(2), []
        for _ in range(200):
            own = min(choice.threads, 2 - duty)
            waited = duty / 4 if choice.threads == 2 else 0.02
            threads.append(choice.see(Look(own, duty, max(0.0, 2 - duty - own), 2, waited)))
        assert changes(threads) <= 1


def test_a_load_that_comes_and_goes_soon_moves_it_no_more() -> None:
    choice = ThreadChoice(2)
    threads: list[int] = []
    for number in range(400):
        comes = number // 3 % 2 == 0
        if choice.threads == 2:
            look = ONE_BESIDE_TWO_THREADS if comes else ALONE
        else:
            look = ONE_BESIDE_ONE_THREAD if comes else ALONE_WITH_ONE_THREAD
        threads.append(choice.see(look))
    assert 0 < changes(threads) <= 3


def changes(threads: list[int]) -> int:
    return sum(before != after for before, after in itertools.pairwise(threads))


def test_where_all_cores_are_busy_more_is_wanted_than_is_had() -> None:
    assert wanted_by_others(ONE_BESIDE_TWO_THREADS, 2) > 0.9
    assert wanted_by_others(ALONE, 2) < 0.2
    assert wanted_by_others(TWO_BESIDE_ONE_THREAD, 1) > 1.6


def test_cores_that_are_left_are_used_unless_they_are_too_few() -> None:
    assert [threads_beside(busy, most=4, cores=4) for busy in range(6)] == [4, 3, 2, 4, 4, 4]
    assert [threads_beside(busy, most=2, cores=8) for busy in (0, 5, 6, 7)] == [2, 2, 2, 1]
    assert threads_beside(1, most=1, cores=1) == 1
