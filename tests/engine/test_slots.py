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
    slot, shared = table.take("a", first)
    assert shared is None
    table.release(slot, [7, 8])
    again, shared = table.take("a", [*first, 7, 8, 9])
    assert again is slot
    assert shared == 102


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
    _, shared = table.take("b", prompt)
    assert shared is None


def test_what_can_be_brought_from_elsewhere_leaves_a_hot_slot_alone() -> None:
    table = SlotTable(2)
    hot, _ = table.take("a", [1] * 50)
    other, _ = table.take("a", [2] * 50)
    table.release(other, [])
    table.release(hot, [])
    assert table.take("a", [1] * 20 + [3] * 80, stored=100)[0] is other


def test_what_is_not_to_be_kept_is_never_shared() -> None:
    table = SlotTable(1)
    slot, _ = table.take("a", [1] * 50, conversation="c")
    assert table.of("a", "c") == table.of("a", None) == [slot]
    assert table.of("b", None) == table.of("a", "d") == []
    slot.keep = False
    table.release(slot, [])
    assert table.take("a", [1] * 50)[1] is None


def test_busy_counts() -> None:
    table = SlotTable(2)
    slot, _ = table.take("a", [])
    assert (table.busy, table.total) == (1, 2)
    table.release(slot, [])
    assert table.busy == 0
