"""Which slot a request gets: the one whose KV cache already holds most of its prompt."""

from collections.abc import Sequence
from dataclasses import dataclass, field

MIN_SHARED_TOKENS = 16


@dataclass
class Slot:
    """One sequence's place in the KV cache, and whose tokens it holds; `conversation` is empty
    for a chat that is none. Not to `keep` means that it is used no more after this time."""

    number: int
    owner: str = ""
    conversation: str = ""
    tokens: list[int] = field(default_factory=list)
    busy: bool = False
    keep: bool = True
    used_at: int = 0


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """How many leading tokens are equal (slices are compared in C, by bisection)."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class SlotTable:
    """Hands out slots. A slot's cache is reused only by the owner who filled it: what is
    cached must never be told to another tenant, not even through the time it takes."""

    def __init__(self, count: int) -> None:
        self._slots = [Slot(number) for number in range(count)]
        self._clock = 0

    @property
    def busy(self) -> int:
        return sum(slot.busy for slot in self._slots)

    @property
    def total(self) -> int:
        return len(self._slots)

    def take(
        self, owner: str, prompt: list[int], stored: int = 0, conversation: str = ""
    ) -> tuple[Slot, int | None]:
        """A free slot for `prompt`, and how many tokens of it lie there already; None where
        nothing of the slot may be used. One must be free.

        The longest shared prefix of the same owner wins; without one worth keeping, or where
        `stored` tokens can be brought from elsewhere, the slot that was used longest ago.
        """
        free = [slot for slot in self._slots if not slot.busy]
        least = max(MIN_SHARED_TOKENS, stored)
        slot = max(free, key=lambda candidate: self._worth(candidate, owner, prompt, least))
        shared = common_prefix(slot.tokens, prompt) if slot.owner == owner else None
        slot.busy, slot.owner, slot.tokens = True, owner, prompt
        slot.conversation, slot.keep = conversation, True
        return slot, shared

    def of(self, owner: str, conversation: str | None) -> list[Slot]:
        """Those that hold a conversation, or anything of `owner`'s."""
        return [
            slot
            for slot in self._slots
            if slot.owner == owner and conversation in (None, slot.conversation)
        ]

    def release(self, slot: Slot, generated: list[int]) -> None:
        self._clock += 1
        slot.busy, slot.used_at = False, self._clock
        slot.tokens = slot.tokens + generated
        if not slot.keep:
            slot.owner, slot.tokens = "", []

    @staticmethod
    def _worth(slot: Slot, owner: str, prompt: list[int], least: int) -> tuple[int, int]:
        shared = common_prefix(slot.tokens, prompt) if slot.owner == owner else 0
        return (shared if shared >= least else 0, -slot.used_at)
