"""The graph over the slots: one run computes new tokens of neighbouring rows.

Graphs with GroupQueryAttention write their cache in place; others return a longer one, whose new
tokens are copied into the slots (slower).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.engine.backends.base import LoadError
from app.engine.onnx.layout import Layout
from app.engine.onnx.memory import Array, HostMemory
from app.engine.onnx.session import ERRORS, quiet, words_of
from app.engine.onnx.slots import Slots
from app.engine.onnx.vision.eyes import Eyes
from app.engine.onnx.vision.sight import Sight

_PROBE_PAST = 4
_PROBE_NEW = 2


class Graph:
    """A session over slots. Made by `probe`, which finds out how the graph behaves."""

    def __init__(
        self, session: Any, layout: Layout, slots: Slots, facts: "Facts", eyes: Eyes | None = None
    ) -> None:
        """`eyes` belong to decoders that take embeddings."""
        self._session = session
        self._eyes = eyes
        self._layout = layout
        self._slots = slots
        self._facts = facts
        self.vocabulary = facts.vocabulary
        self._bindings: dict[tuple[int, int], Any] = {}
        self._logits = np.empty(0, facts.logits)

    @property
    def in_place(self) -> bool:
        return self._facts.in_place

    @property
    def batches(self) -> bool:
        """Whether rows of different length can share a run: a cache that grows is padded to the
        longest row, and only a graph that is told the positions copes with the gaps."""
        return self._facts.in_place or (self._layout.has_positions and self._layout.has_mask)

    def look(self, slot: int, sight: Sight) -> None:
        """What the prompt shows that the slot gets; for graphs with eyes."""
        assert self._eyes is not None
        self._eyes.look(slot, sight)

    def run(self, first: int, tokens: Array, lengths: Sequence[int]) -> Array:
        """Compute `tokens` [rows, new], ids of the vocabulary, for the rows from `first` on,
        which hold `lengths` tokens.

        Returns the float32 logits [rows, vocabulary] after each row's last token, to be used
        before the next run. Raises one of session.ERRORS.
        """
        if self._facts.in_place:
            return self._in_place(first, tokens, lengths)
        return self._growing(first, tokens, lengths)

    def _in_place(self, first: int, tokens: Array, lengths: Sequence[int]) -> Array:
        rows, new = tokens.shape
        binding = self._bindings.get((first, rows)) or self._bind(first, rows)
        feeds = self._feeds(first, tokens, lengths, max(lengths))
        for name, value in feeds.items():
            binding.bind_cpu_input(name, value)
        logits = self._room(rows, new)
        binding.bind_output("logits", "cpu", 0, logits.dtype, logits.shape, logits.ctypes.data)
        self._session.run_with_iobinding(binding)
        return _last(logits)

    def _bind(self, first: int, rows: int) -> Any:
        """A binding whose cache is these rows, as input and as output at the same address."""
        binding = self._session.io_binding()
        for index, cache in enumerate(self._layout.caches):
            place = self._slots.memory.place(index, first, rows)
            binding.bind_input(cache.past, *place)
            binding.bind_output(cache.present, *place)
        for name, value in self._layout.constants.items():
            binding.bind_cpu_input(name, value)
        self._bindings[first, rows] = binding
        return binding

    def _growing(self, first: int, tokens: Array, lengths: Sequence[int]) -> Array:
        past, rows = max(lengths), slice(first, first + len(tokens))
        memory = self._slots.memory
        assert isinstance(memory, HostMemory)  # Graph.__init__ saw to it
        feeds = self._feeds(first, tokens, lengths, past) | self._layout.constants
        for cache, array in zip(self._layout.caches, memory.arrays, strict=True):
            feeds[cache.past] = np.ascontiguousarray(array[rows, :, :past])
        names = ["logits", *(cache.present for cache in self._layout.caches)]
        logits, *presents = self._session.run(names, feeds)
        for array, present in zip(memory.arrays, presents, strict=True):
            for row, length in enumerate(lengths):
                end = length + tokens.shape[1]
                array[first + row, :, length:end] = present[row, :, past:]
        return _last(logits)

    def _feeds(
        self, first: int, tokens: Array, lengths: Sequence[int], past: int
    ) -> dict[str, Array]:
        """Ids or embeddings, mask and positions. In place a row's new tokens follow its own; in
        a cache that grows they follow the longest row's."""
        layout, new = self._layout, tokens.shape[1]
        held = np.asarray(lengths)[:, None]
        if self._eyes is None:
            feeds = {"input_ids": np.ascontiguousarray(tokens, layout.ids)}
        else:
            slots = [self._slots.slot_at(first + row) for row in range(len(tokens))]
            feeds = self._eyes.feeds(slots, tokens, lengths)
        if layout.has_mask:
            columns = np.arange(past + new)
            seen = columns < (held + new if self._facts.in_place else held)
            if not self._facts.in_place:
                seen = seen | (columns >= past)
            feeds["attention_mask"] = seen.astype(layout.ids)
        if layout.has_positions and layout.axes == 1:
            feeds["position_ids"] = (held + np.arange(new)).astype(layout.ids)
        return feeds

    def _room(self, rows: int, new: int) -> Array:
        """Where the logits of a run go."""
        shape = (rows, new if self._facts.all_rows else 1, self.vocabulary)
        needed = shape[0] * shape[1] * shape[2]
        if self._logits.size < needed:
            self._logits = np.empty(needed, self._facts.logits)
        return self._logits[:needed].reshape(shape)


def _last(logits: Array) -> Array:
    last = logits[:, -1] if logits.ndim == 3 else logits
    return last.astype(np.float32, copy=False)


class Facts:
    """What a graph shows when it is run: `in_place` caches, the logits' type and width, and
    whether they come for all rows or just for the last."""

    def __init__(self, logits: Array, in_place: bool) -> None:
        self.in_place = in_place
        self.logits = logits.dtype
        self.vocabulary = logits.shape[-1]
        self.all_rows = logits.ndim == 3 and logits.shape[1] == _PROBE_NEW


def probe(session: Any, layout: Layout, model: str, eyes: Eyes | None = None) -> Facts:
    """Run two tokens on a tiny cache. A mask that is shorter than the cache suits only graphs
    that write in place; the others get one that fits. Raises LoadError."""
    reason = ""
    for seen in (_PROBE_NEW, _PROBE_PAST + _PROBE_NEW):
        try:
            logits, present = _probe(session, layout, seen, eyes)
        except ERRORS as error:
            reason = words_of(error)
            continue
        length = present.shape[2]
        if length in (_PROBE_PAST, _PROBE_PAST + _PROBE_NEW):
            return Facts(logits, in_place=length == _PROBE_PAST)
    raise LoadError("onnx_run_failed", model=model, reason=reason[:300])


def _probe(session: Any, layout: Layout, seen: int, eyes: Eyes | None) -> tuple[Array, Array]:
    ids = np.zeros((1, _PROBE_NEW), layout.ids)
    feeds: dict[str, Array] = {"input_ids": ids}
    if eyes is not None:
        feeds = eyes.feeds([0], ids, [seen - _PROBE_NEW])
    if layout.has_mask:
        feeds["attention_mask"] = np.ones((1, seen), layout.ids)
    if layout.has_positions and layout.axes == 1:
        feeds["position_ids"] = np.arange(seen - _PROBE_NEW, seen, dtype=layout.ids)[None]
    for cache in layout.caches:
        feeds[cache.past] = np.zeros((1, cache.heads, _PROBE_PAST, cache.head_size), cache.dtype)
    names = ["logits", layout.caches[0].present]
    logits, present = session.run(names, feeds | layout.constants, quiet())
    return logits, present
