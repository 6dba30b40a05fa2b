"""Every way that exports write a text model: each is run by the batch, and answers as the graph
does when it is given the whole text at once, without any cache.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.domain.errors import SllmError
from app.domain.options import GenerationOptions
from app.engine.backends.base import LoadError, Piece
from app.engine.onnx.batch import Batch
from app.engine.onnx.graph import Graph, probe
from app.engine.onnx.layout import read_layout
from app.engine.onnx.memory import DeviceMemory
from app.engine.onnx.sequence import Outcome, Request, Sequence
from app.engine.onnx.session import open_session
from app.engine.onnx.slots import Slots
from app.engine.onnx.tokenizer import TextStream
from app.engine.stop import StopFilter

pytest.importorskip("onnx", reason="onnx, which writes the graphs, comes with the extra 'convert'")
from tests.engine.onnx.tiny import VOCABULARY, WINDOW, Tiny

VARIANTS = {
    "grouped": Tiny(grouped=True, positions=True),
    "grouped, 16 bits": Tiny(grouped=True, positions=True, half=True),
    "growing, positions": Tiny(grouped=False, positions=True),
    "growing, no positions": Tiny(grouped=False),
    "growing, 16 bits": Tiny(grouped=False, positions=True, half=True),
    "logits to keep": Tiny(grouped=False, positions=True, keep=True),
}
IN_PLACE = {"grouped", "grouped, 16 bits"}
PROMPTS = [[3, 1, 4, 1, 5], [9, 2], [6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8], [4, 6, 2, 6]]
LENGTHS = [12, 5, 9, 14]


class Letters:
    """Token n writes the letter with that number."""

    def bytes_of(self, token: int) -> bytes:
        return chr(0x4E00 + token).encode()


@dataclass
class Setup:
    session: Any
    graph: Graph
    slots: Slots
    batch: Batch
    outcomes: dict[int, list[Outcome]] = field(default_factory=dict)

    def start(self, slot: int, prompt: list[int], length: int) -> Sequence:
        options = GenerationOptions(temperature=0, max_tokens=length)
        self.outcomes[slot] = []
        sequence = Sequence(
            request=Request(prompt, options, slot, reuse=False),
            text=TextStream(Letters()),  # type: ignore[arg-type]
            stop=StopFilter([]),
            guide=None,
            end_tokens=frozenset(),
            deliver=self.outcomes[slot].append,
        )
        self.batch.add(sequence)
        return sequence

    def work(self, steps: int = 1000) -> None:
        """So many steps, or until nothing is left to do."""
        for _ in range(steps):
            if not self.batch.busy:
                break
            for sequence in self.batch.step():
                for outcome in sequence.take_outcomes():
                    sequence.deliver(outcome)

    def tokens(self, slot: int) -> list[int]:
        pieces = [outcome for outcome in self.outcomes[slot] if isinstance(outcome, Piece)]
        return [token for piece in pieces for token in piece.tokens]


def setup(tmp_path: Path, tiny: Tiny, chunk: int = 4, device: str | None = None) -> Setup:
    """With the cache in `device`'s memory, or in this process's."""
    tiny.nodes, tiny.weights = [], []
    tiny._random = np.random.default_rng(3)
    session = open_session(tiny.build(tmp_path / "model.onnx"), 1)
    layout = read_layout(session.get_inputs(), session.get_outputs(), "tiny", 0)
    size = (len(PROMPTS), WINDOW)
    memory = DeviceMemory(layout.caches, *size, device) if device else None
    slots = Slots(layout.caches, *size, memory)
    graph = Graph(session, layout, slots, probe(session, layout, "tiny"))
    return Setup(session, graph, slots, Batch(graph, slots, chunk))


def without_cache(ready: Setup, tiny: Tiny, prompt: list[int], length: int) -> list[int]:
    """Greedy tokens, the whole text computed anew for each."""
    text = list(prompt)
    for _ in range(length):
        feeds = {
            "input_ids": np.array([text]),
            "attention_mask": np.ones((1, len(text)), np.int64),
            **{name: np.zeros((1, 2, 0, 8), tiny.dtype) for name in tiny.past},
        }
        if tiny.positions:
            feeds["position_ids"] = np.arange(len(text))[None]
        if tiny.keep:
            feeds["num_logits_to_keep"] = np.array(1)
        logits = ready.session.run(["logits"], feeds)[0]
        text.append(int(logits[0, -1].argmax()))
    return text[len(prompt) :]


# onnxruntime's own tensors, as on a GPU: rows stay where they are. Only caches that are written in
# place can lie there.
WHERE = [(name, None) for name in VARIANTS] + [(name, "cpu") for name in sorted(IN_PLACE)]


@pytest.mark.parametrize(("name", "device"), WHERE)
def test_a_batch_answers_as_the_graph_does_without_a_cache(
    tmp_path: Path, name: str, device: str | None
) -> None:
    tiny = VARIANTS[name]
    ready = setup(tmp_path, tiny, device=device)
    assert ready.graph.in_place == (name in IN_PLACE)
    assert ready.graph.vocabulary == VOCABULARY
    for slot, prompt in enumerate(PROMPTS):
        ready.start(slot, prompt, LENGTHS[slot])
    ready.work()
    for slot, prompt in enumerate(PROMPTS):
        assert ready.tokens(slot) == without_cache(ready, tiny, prompt, LENGTHS[slot])


@pytest.mark.parametrize(("name", "device"), WHERE)
def test_rows_may_come_and_go_at_any_step(tmp_path: Path, name: str, device: str | None) -> None:
    tiny = VARIANTS[name]
    ready = setup(tmp_path, tiny, device=device)
    expected = [without_cache(ready, tiny, p, n) for p, n in zip(PROMPTS, LENGTHS, strict=True)]
    random = np.random.default_rng(5)
    for _ in range(12):
        order = [int(slot) for slot in random.permutation(len(PROMPTS))]
        gone = ready.start(order[0], PROMPTS[0], 30)
        for slot, which in zip(order[1:], range(1, len(PROMPTS)), strict=True):
            ready.work(int(random.integers(4)))
            ready.start(slot, PROMPTS[which], LENGTHS[which])
        ready.batch.remove(gone)
        ready.work()
        for slot, which in zip(order[1:], range(1, len(PROMPTS)), strict=True):
            assert ready.tokens(slot) == expected[which]


@pytest.mark.parametrize("chunk", [2, 3, 5, 64])
def test_chunks_of_any_size_give_the_same(tmp_path: Path, chunk: int) -> None:
    tiny = VARIANTS["grouped"]
    ready = setup(tmp_path, tiny, chunk)
    ready.start(0, PROMPTS[2], 10)
    ready.work()
    assert ready.tokens(0) == without_cache(ready, tiny, PROMPTS[2], 10)


def test_a_chunk_is_never_a_single_token(tmp_path: Path) -> None:
    ready = setup(tmp_path, VARIANTS["grouped"])
    for left in range(2, 40):
        sizes = []
        while left:
            sizes.append(ready.batch._chunk_size(left))
            left -= sizes[-1]
        assert min(sizes) >= 2


def test_only_the_last_row_s_logits_are_computed(tmp_path: Path) -> None:
    ready = setup(tmp_path, VARIANTS["grouped"])
    assert not ready.graph._facts.all_rows
    two = ready.graph.run(0, np.array([[3, 1]]), [0]).copy()
    ready.slots.tokens[0] = []
    ready.graph.run(0, np.array([[3]]), [0])
    assert np.allclose(ready.graph.run(0, np.array([[1]]), [1]), two, atol=1e-4)


@dataclass
class Described:
    name: str
    type: str = "tensor(float)"
    shape: list[Any] = field(default_factory=lambda: ["batch", 2, "past", 8])


IDS = Described("input_ids", "tensor(int64)", ["batch", "new"])
LOGITS = Described("logits", shape=["batch", "new", 50])


@pytest.mark.parametrize(
    ("inputs", "outputs", "text"),
    [
        ([], [LOGITS], "onnx_no_input"),
        ([IDS], [], "onnx_no_output"),
        ([IDS], [LOGITS], "onnx_no_cache"),
        ([IDS, Described("pixel_values")], [LOGITS], "onnx_input_unknown"),
        ([IDS, Described("past_key_values.0.key")], [LOGITS], "onnx_cache_unknown"),
        (
            [IDS, Described("past_key_values.0.key", shape=["b", 2, "p", "size"])],
            [LOGITS, Described("present.0.key")],
            "onnx_shape_unknown",
        ),
    ],
)
def test_a_graph_that_is_no_text_model_is_named(
    inputs: list[Described], outputs: list[Described], text: str
) -> None:
    with pytest.raises(LoadError) as caught:
        read_layout(inputs, outputs, "m", 0)
    assert caught.value.text == text


def test_a_sequence_that_fails_ends_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in what belongs to one sequence: its text, its sampler, its guide."""
    tiny = VARIANTS["grouped"]
    ready = setup(tmp_path, tiny)
    first = ready.start(0, PROMPTS[0], 12)
    ready.start(1, PROMPTS[1], 9)
    ready.work(4)
    first.text = None  # type: ignore[assignment]
    ready.work()
    failure = ready.outcomes[0][-1]
    assert isinstance(failure, SllmError)
    assert failure.code == "internal_error"
    assert "Traceback" in caplog.text
    assert ready.tokens(1) == without_cache(ready, tiny, PROMPTS[1], 9)
    ready.start(0, PROMPTS[0], 5)
    ready.work()
    assert ready.tokens(0) == without_cache(ready, tiny, PROMPTS[0], 5)
