"""What is compared: an engine with weights is a column of the table. Answers of a backend, and how
far two of them agree, live here too.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.convert.builder import Precision
from app.domain.messages import Message
from app.domain.options import GenerationOptions
from app.engine.backends.base import BackendEvent, End, Piece
from app.engine.backends.llama import LlamaBackend
from app.engine.backends.onnx import OnnxBackend
from app.engine.spec import EngineSpec
from app.weights import ensure
from app.weights.preflight import check
from tests.converted import converted
from tests.engine.onnx.folders import spec_of

SMOLLM2, QWEN = "smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct"
# Small, so that a window is filled in a moment.
WINDOW = 512
SLOTS = 4
AnyBackend = LlamaBackend | OnnxBackend


@dataclass(frozen=True)
class Column:
    """Weights of the catalogue's `entry`: its own GGUF file, or ONNX of that at a `precision`."""

    name: str
    entry: str
    precision: Precision | None = None

    @property
    def exact(self) -> bool:
        """Not quantised, so that nothing may depend on the shape of a computation."""
        return self.precision == "fp32"

    def path(self, data_dir: Path) -> Path:
        """The weights, made or fetched when they are absent."""
        if self.precision is None:
            return Path(ensure(self.entry, data_dir).path)
        return converted(data_dir, self.entry, self.precision)

    def reference_folder(self, data_dir: Path) -> Path:
        """Where transformers finds the tokenizer that it has made of the GGUF file."""
        return converted(data_dir, self.entry, self.precision or "int8")

    def load(self, data_dir: Path, directory: Path) -> AnyBackend:
        path = self.path(data_dir)
        if self.precision is not None:
            return OnnxBackend.load(spec_of(path, directory, context_length=WINDOW, slots=SLOTS))
        return LlamaBackend.load(llama_spec(self.entry, path, directory))


def llama_spec(name: str, path: Path, directory: Path) -> EngineSpec:
    header = check(path)
    return EngineSpec(
        backend="llama",
        directory=str(directory),
        id=name,
        path=str(path),
        control_tokens=header.control_tokens,
        context_length=WINDOW,
        slots=SLOTS,
        # Its threads wait for each other by spinning, and this machine may have other work.
        threads=1,
        use_gpu="false",
    )


COLUMNS = (
    Column("SmolLM2 GGUF Q4_1", SMOLLM2),
    Column("SmolLM2 ONNX fp32", SMOLLM2, "fp32"),
    Column("SmolLM2 ONNX int8", SMOLLM2, "int8"),
    Column("SmolLM2 ONNX int4", SMOLLM2, "int4"),
    Column("Qwen2.5 GGUF Q4_K_M", QWEN),
    Column("Qwen2.5 ONNX int8", QWEN, "int8"),
)


@dataclass(frozen=True)
class Answer:
    """What a backend has generated. llama.cpp does not tell the ids of tokens that end within a
    character, so `ids` may be fewer than were generated."""

    text: str
    ids: tuple[int, ...]
    end: End

    @property
    def complete(self) -> bool:
        return len(self.ids) == self.end.completion_tokens


def answer_of(events: Sequence[BackendEvent]) -> Answer:
    pieces = [event for event in events if isinstance(event, Piece)]
    end = events[-1]
    assert isinstance(end, End)
    ids = tuple(token for piece in pieces for token in piece.tokens)
    return Answer("".join(piece.text for piece in pieces), ids, end)


async def continued(
    backend: AnyBackend, prompt: list[int], slot: int = 0, reuse: bool = False, **options: Any
) -> Answer:
    """The greedy continuation of a prompt, unless the options say otherwise."""
    wanted = GenerationOptions(**{"temperature": 0.0, "max_tokens": 32, **options})
    async with aclosing(backend.generate(prompt, wanted, slot, reuse)) as events:
        return answer_of([event async for event in events])


async def asked(backend: AnyBackend, text: str, slot: int = 0, **options: Any) -> Answer:
    return await continued(backend, await backend.prompt([Message("user", text)]), slot, **options)


def first_difference(left: Answer, right: Answer) -> int | None:
    """The number of equal tokens at the front; None where the answers are the same."""
    if (left.ids, left.text) == (right.ids, right.text):
        return None
    return common(left.ids, right.ids)


def common(left: Sequence[int], right: Sequence[int]) -> int:
    pairs = zip(left, right, strict=False)
    return next(
        (at for at, (one, other) in enumerate(pairs) if one != other), min(len(left), len(right))
    )


def differences(pairs: Sequence[tuple[Answer, Answer]]) -> str:
    """A cell: where each pair parts, in tokens."""
    found = [first_difference(left, right) for left, right in pairs]
    if not any(at is not None for at in found):
        return "the same"
    return "parts at " + ", ".join("-" if at is None else str(at) for at in found)


def fresh(loaded: AnyBackend) -> AnyBackend:
    """The loaded weights for another event loop."""
    if isinstance(loaded, OnnxBackend):
        return loaded
    return LlamaBackend(loaded._spec, loaded._server, loaded.socket, loaded.key, [])
