"""The KV cache: a row for each slot in the cache's memory, and the tokens that they hold.

Rows that decode lie side by side, so that one run computes them all.
"""

from collections.abc import Sequence

from app.engine.onnx.layout import Cache
from app.engine.onnx.memory import HostMemory, Memory
from app.engine.slots import common_prefix

# The last tokens of a prompt are always computed: their logits are wanted, and a run of a single
# token goes another way through the attention, with other roundings.
COMPUTED_AGAIN = 2


class Slots:
    """`count` windows of `window` tokens in `memory`; `tokens[slot]` is what the slot's row
    holds. What a row holds beyond them means nothing."""

    def __init__(
        self, caches: Sequence[Cache], count: int, window: int, memory: Memory | None = None
    ) -> None:
        self.count, self.window = count, window
        self.memory = memory or HostMemory(caches, count, window)
        self.tokens: list[list[int]] = [[] for _ in range(count)]
        self._row = list(range(count))

    def row(self, slot: int) -> int:
        """Where the slot lies in the memory, now."""
        return self._row[slot]

    def slot_at(self, row: int) -> int:
        return self._row.index(row)

    def length(self, slot: int) -> int:
        return len(self.tokens[slot])

    def begin(self, slot: int, prompt: Sequence[int], reuse: bool) -> int:
        """Keep what the slot shares with `prompt`, forget the rest: the tokens kept."""
        usable = prompt[: max(0, len(prompt) - COMPUTED_AGAIN)]
        kept = common_prefix(self.tokens[slot], usable) if reuse else 0
        del self.tokens[slot][kept:]
        return kept

    def bring(self, slot: int, row: int) -> None:
        """Bring a slot to `row`; the one that lies there takes its place. In memory whose rows
        stay where they are nothing happens: runs then pass over the rows between."""
        here = self._row[slot]
        if here == row or not self.memory.movable:
            return
        other = self.slot_at(row)
        self.memory.swap(here, self.length(slot), row, self.length(other))
        self._row[slot], self._row[other] = row, here

    def make_room(self, slot: int) -> int:
        """For one more token at the end of an idle slot, whose row a run passes over: its length.
        A full one forgets its last token."""
        del self.tokens[slot][self.window - 1 :]
        return self.length(slot)
