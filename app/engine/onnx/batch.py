"""Continuous batching: one step computes a chunk of one prompt, then a token for every row that
decodes. Not thread-safe; the step loop owns it.
"""

import time
from collections import deque
from typing import Final

import numpy as np

from app.engine.onnx.graph import Graph
from app.engine.onnx.memory import Array
from app.engine.onnx.sequence import Sequence
from app.engine.onnx.slots import Slots

# The longest that rows which decode wait while a prompt is computed between their tokens.
GAP_SECONDS: Final = 0.26
MIN_CHUNK: Final = 8
# How much longer than others the last chunk of a prompt may be.
REST: Final = 1.15
# A chunk of one token goes another way through the attention: other roundings, other answers.
SHORTEST: Final = 2


class Batch:
    """Sequences in work. Those that decode have the rows 0, 1, 2, … in the order of
    `decoding`; prompts are computed in turns."""

    def __init__(self, graph: Graph, slots: Slots, chunk: int) -> None:
        self._graph = graph
        self._slots = slots
        self.chunk = chunk
        self._prefilling: deque[Sequence] = deque()
        self._decoding: list[Sequence] = []
        self._tokens_per_second = 100.0
        self._newest_speed = 100.0
        self._step_seconds = 0.0

    @property
    def busy(self) -> bool:
        return bool(self._prefilling or self._decoding)

    def add(self, sequence: Sequence) -> None:
        request = sequence.request
        if request.sight is not None:
            self._graph.look(request.slot, request.sight)
        sequence.begin(self._slots.begin(request.slot, request.prompt, request.reuse))
        self._prefilling.append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Forget a sequence, wherever it is; what its slot holds stays for the next turn."""
        if sequence in self._prefilling:
            self._prefilling.remove(sequence)
        elif sequence in self._decoding:
            self._leave(sequence)

    def step(self) -> list[Sequence]:
        """Compute, and return the sequences that went on. Raises one of session.ERRORS."""
        touched = self._prefilling_next()
        if touched is not None:
            self._prefill(touched)
        told = list(self._decoding)
        if told:
            self._decode(told)
        return told if touched is None or touched in told else [touched, *told]

    def _prefilling_next(self) -> Sequence | None:
        return self._prefilling[0] if self._prefilling else None

    def _prefill(self, sequence: Sequence) -> None:
        """One chunk; after the last one the sequence has its first token and decodes."""
        request, slots = sequence.request, self._slots
        start = slots.length(request.slot)
        stop = start + self._chunk_size(len(request.prompt) - start)
        tokens = request.prompt[start:stop]
        words = tokens if request.sight is None else request.sight.words[start:stop]
        began = time.monotonic()
        logits = self._graph.run(slots.row(request.slot), np.array([words]), [start])
        self._measure(len(tokens), time.monotonic() - began)
        slots.tokens[request.slot] += tokens
        sequence.prefilled(start + len(tokens))
        if start + len(tokens) < len(request.prompt):
            self._prefilling.rotate(-1)
            return
        self._prefilling.popleft()
        sequence.sample(logits[0])
        if not sequence.ended:
            slots.bring(request.slot, len(self._decoding))
            self._decoding.append(sequence)

    def _chunk_size(self, left: int) -> int:
        """As many tokens as fit into the gap that the others are asked to bear. No size changes
        the result, as long as it is not a single token."""
        size = self.chunk
        if self._decoding:
            seconds = max(GAP_SECONDS - self._step_seconds, GAP_SECONDS / 4)
            # The further into a prompt, the slower: the newest speed is the likeliest.
            speed = min(self._tokens_per_second, self._newest_speed)
            size = min(size, max(MIN_CHUNK, int(seconds * speed)))
        # A small rest would cost its own step of all the others.
        return left if left <= min(size * REST, self.chunk) else min(size, left - SHORTEST)

    def _measure(self, tokens: int, seconds: float) -> None:
        """Follow the speed of prefill; short chunks tell little about it."""
        if tokens >= MIN_CHUNK and seconds > 0:
            self._newest_speed = tokens / seconds
            self._tokens_per_second += 0.3 * (self._newest_speed - self._tokens_per_second)

    def _decode(self, rows: list[Sequence]) -> None:
        """A token for every row."""
        began = time.monotonic()
        if self._graph.batches:
            self._accept(rows, self._run_together(rows))
        else:
            for sequence in rows:
                self._accept([sequence], self._run_together([sequence]))
        for sequence in rows:
            if sequence.ended:
                self._leave(sequence)
        self._step_seconds += 0.3 * (time.monotonic() - began - self._step_seconds)

    def _run_together(self, sequences: list[Sequence]) -> Array:
        """One run over their rows and over whatever lies between: logits in their order."""
        slots = self._slots
        rows = [slots.row(sequence.request.slot) for sequence in sequences]
        first, count = min(rows), max(rows) - min(rows) + 1
        places = [row - first for row in rows]
        if count == len(rows):
            lengths = [0] * count
            for place, sequence in zip(places, sequences, strict=True):
                lengths[place] = slots.length(sequence.request.slot)
        else:
            # Idle rows get a token behind what they hold; nobody reads what comes of it.
            lengths = [slots.make_room(slots.slot_at(first + place)) for place in range(count)]
        tokens = np.zeros((count, 1), np.int64)
        tokens[places, 0] = [sequence.newest for sequence in sequences]
        logits = self._graph.run(first, tokens, lengths)
        return logits if places == list(range(count)) else logits[places]

    def _accept(self, rows: list[Sequence], logits: Array) -> None:
        for sequence, row in zip(rows, logits, strict=True):
            self._slots.tokens[sequence.request.slot].append(sequence.newest)
            sequence.sample(row)

    def _leave(self, sequence: Sequence) -> None:
        """The last row takes the place of the one that ends: rows stay side by side."""
        row = self._decoding.index(sequence)
        last = self._decoding.pop()
        if last is not sequence:
            self._slots.bring(last.request.slot, row)
            self._decoding[row] = last
