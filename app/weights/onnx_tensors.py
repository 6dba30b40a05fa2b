"""The tensors of an ONNX file and the nodes that use them: sizes and types only, the weights
themselves are never read.
"""

from collections import Counter
from math import prod
from typing import Final

from msgspec import Struct

from app.weights.onnx_types import ELEMENT_TYPES, ElementType
from app.weights.protobuf import ProtobufReader

MAX_TENSORS: Final = 1 << 17
MAX_NODES: Final = 1 << 18
MAX_ELEMENTS: Final = 1 << 50
MAX_ENTRIES: Final = 16
# Subgraphs of If and Loop; real files have two levels.
MAX_DEPTH: Final = 8
# Inputs that are not weights: scales and zero points of quantized operators, tables of angles.
_COMPANIONS: Final = {
    "MatMulNBits": (2, 3),
    "GatherBlockQuantized": (2, 3),
    "DequantizeLinear": (1, 2),
    "MatMulInteger": (2, 3),
    "GroupQueryAttention": (7, 8),
    "RotaryEmbedding": (2, 3),
}
# Operators whose bytes hold several weights of `bits` each, and where they take them.
_PACKED: Final = {"MatMulNBits": 1, "GatherBlockQuantized": 0}


class External(Struct, frozen=True):
    """Where a tensor lies outside the file. `length` None: to the end of that file; `bytes` is
    what its shape needs."""

    location: str
    offset: int
    length: int | None
    bytes: int


class _Tensor(Struct, frozen=True):
    name: str
    elements: int
    type: ElementType
    inline_bytes: int


class Contents:
    """What is gathered while a file is walked."""

    def __init__(self, reader: ProtobufReader) -> None:
        self._reader = reader
        self.operators = Counter[str]()
        self.domains: set[str] = set()
        self.externals: list[External] = []
        self._tensors: dict[str, _Tensor] = {}
        self._not_weights: set[str] = set()
        self._bits: dict[str, int] = {}

    def graph(self, start: int, stop: int, depth: int = 0) -> None:
        """A GraphProto: nodes (1) and initializers (5), dense ones only."""
        if depth > MAX_DEPTH:
            raise self._reader.damaged("depth of subgraphs", depth)
        for number, begin, end in self._reader.fields(start, stop):
            if end < 0:
                continue
            if number == 1:
                self.node(begin, end, depth)
            elif number == 5:
                self._note(self._tensor(begin, end))
            elif number == 15:
                raise self._reader.damaged("sparse initializers", "some")

    def node(self, start: int, stop: int, depth: int) -> None:
        """A NodeProto, with the tensors and subgraphs of its attributes."""
        inputs, operator, bits = [], "", 0
        for number, begin, end in self._reader.fields(start, stop):
            if end < 0:
                continue
            if number == 1:
                inputs.append(self._reader.text(begin, end))
            elif number == 4:
                operator = self._reader.text(begin, end)
            elif number == 5:
                bits = self._attribute(begin, end, depth) or bits
            elif number == 7:
                self.domains.add(self._reader.text(begin, end))
        self.operators[operator] += 1
        if self.operators.total() > MAX_NODES:
            raise self._reader.damaged("number of nodes", MAX_NODES)
        self._not_weights.update(
            inputs[index] for index in _COMPANIONS.get(operator, ()) if index < len(inputs)
        )
        place = _PACKED.get(operator, len(inputs))
        if bits and place < len(inputs):
            self._bits[inputs[place]] = bits

    def _attribute(self, start: int, stop: int, depth: int) -> int:
        """An AttributeProto; the value of `bits`, else 0."""
        name, value = "", 0
        for number, begin, end in self._reader.fields(start, stop):
            if number == 1 and end >= 0:
                name = self._reader.text(begin, end)
            elif number == 3 and end < 0:
                value = begin
            elif number in (5, 10) and end >= 0:
                self._tensor(begin, end)
            elif number in (6, 11) and end >= 0:
                self.graph(begin, end, depth + 1)
            elif number in (22, 23):
                raise self._reader.damaged("sparse attributes", "some")
        return value if name == "bits" and 0 < value <= 8 else 0

    def _tensor(self, start: int, stop: int) -> _Tensor:
        """A TensorProto; one outside the file goes to `externals`."""
        shape: list[int] = []
        name, kind, inline, is_external = "", 0, 0, False
        entries: dict[str, str] = {}
        for number, begin, end in self._reader.fields(start, stop):
            if number == 1:
                shape += self._reader.integers(begin, end)
            elif number == 2:
                kind = begin
            elif number == 8:
                name = self._reader.text(begin, end)
            elif number == 9:
                inline = end - begin
            elif number == 13:
                self._entry(entries, begin, end)
            elif number == 14:
                is_external = begin == 1
        found = self._sized(name, shape, kind, inline)
        if is_external or entries:
            self._external(entries, found)
        elif inline and found.type.bits and inline != _bytes(found):
            raise self._reader.damaged(f"bytes of {name}", inline)
        return found

    def _sized(self, name: str, shape: list[int], kind: int, inline: int) -> _Tensor:
        if kind not in ELEMENT_TYPES:
            raise self._reader.damaged(f"type of {name}", kind)
        if len(shape) > MAX_ENTRIES or prod(shape) > MAX_ELEMENTS:
            raise self._reader.damaged(f"shape of {name}", shape)
        return _Tensor(name, prod(shape), ELEMENT_TYPES[kind], inline)

    def _entry(self, entries: dict[str, str], start: int, stop: int) -> None:
        pair = {}
        for number, begin, end in self._reader.fields(start, stop):
            pair[number] = self._reader.text(begin, end) if end >= 0 else ""
        if len(entries) > MAX_ENTRIES:
            raise self._reader.damaged("entries of external data", len(entries))
        entries[pair.get(1, "")] = pair.get(2, "")

    def _external(self, entries: dict[str, str], tensor: _Tensor) -> None:
        length = self._number(entries.get("length")) if "length" in entries else None
        offset = self._number(entries.get("offset"))
        needed = _bytes(tensor)
        if length is not None and length != needed:
            raise self._reader.damaged(f"bytes of {tensor.name}", length)
        self.externals.append(External(entries.get("location", ""), offset, length, needed))
        if len(self.externals) > MAX_TENSORS:
            raise self._reader.damaged("number of tensors", MAX_TENSORS)

    def _number(self, text: str | None) -> int:
        if text is None:
            return 0
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise self._reader.damaged("place of external data", text)
        return int(text)

    def _note(self, tensor: _Tensor) -> None:
        self._tensors[tensor.name] = tensor
        if len(self._tensors) > MAX_TENSORS:
            raise self._reader.damaged("number of tensors", MAX_TENSORS)

    @property
    def tensor_bytes(self) -> int:
        """Of all initializers, in the file and outside."""
        return sum(_bytes(tensor) for tensor in self._tensors.values())

    def weights(self) -> Counter[str]:
        """How many weights there are of each precision (`int8`, `fp32`, …)."""
        found = Counter[str]()
        for tensor in self._tensors.values():
            if not tensor.type.weight or tensor.name in self._not_weights:
                continue
            bits = self._bits.get(tensor.name, 0)
            if bits and tensor.type.bits == 8:
                found[f"int{bits}"] += tensor.elements * 8 // bits
            else:
                found[tensor.type.name.removeprefix("u")] += tensor.elements
        return found


def _bytes(tensor: _Tensor) -> int:
    return -(-tensor.elements * tensor.type.bits // 8)
