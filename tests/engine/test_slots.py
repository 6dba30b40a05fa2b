"""Which slot a prompt gets, and whose cache it may see."""

from hypothesis import given
from hypothesis import strategies as st

from app.engine.slots import SlotTable, common_prefix

TOKENS = st.lists(st.integers(0, 3), max_size=40)


@given(TOKENS, TOKENS)
def test_common_prefix_is_the_leading_equal_part(left: list[int], right: list[int]) -> None:
    length = common_prefix(left, right)
    assert left[:length] == right[:length]
    assert left[length : length + 1] != right[length : length + 1] or length == min(
        len(left), len(right)
    )


def test_a_conversation_comes_back_to_its_slot() -> None:
    table = SlotTable(3)
    first = list(range(100))
    slot, reuse = table.take("a", first)
    assert not reuse
    table.release(slot, [7, 8])
    again, reuse = table.take("a", [*first, 7, 8, 9])
    assert again is slot
    assert reuse


def test_without_a_prefix_the_longest_unused_slot_is_taken() -> None:
    table = SlotTable(2)
    one, _ = table.take("a", [1] * 50)
    two, _ = table.take("a", [2] * 50)
    table.release(two, [])
    table.release(one, [])
    assert table.take("a", [3] * 50)[0] is two


def test_another_owner_gets_nothing_of_the_cache() -> None:
    table = SlotTable(1)
    prompt = list(range(100))
    slot, _ = table.take("a", prompt)
    table.release(slot, [])
    _, reuse = table.take("b", prompt)
    assert not reuse


def test_busy_counts() -> None:
    table = SlotTable(2)
    slot, _ = table.take("a", [])
    assert (table.busy, table.total) == (1, 2)
    table.release(slot, [])
    assert table.busy == 0
