"""The graph of an ONNX file: its inputs and outputs, operators, and how many weights it has.

Format: onnx.proto 3 (ModelProto). What a text model must have is onnx_preflight's business.
"""

import os
from typing import Final

from msgspec import Struct

from app.weights.errors import WeightsError
from app.weights.onnx_tensors import Contents, External
from app.weights.onnx_types import ELEMENT_TYPES, ElementType
from app.weights.protobuf import BYTES, VARINT, ProtobufReader

MAX_VALUES: Final = 1 << 12
MAX_OPSETS: Final = 64
# Of ModelProto, those whose key is one byte.
MODEL_FIELDS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 14)
DEFAULT_DOMAINS: Final = ("", "ai.onnx")


class Value(Struct, frozen=True):
    """An input or output; a dimension is a number, or None where it is free."""

    name: str
    type: ElementType | None
    shape: tuple[int | None, ...]


class OnnxGraph(Struct, frozen=True):
    """Facts of one .onnx file. `opset` is the standard operators' version, `domains` are where
    its operators come from, `weights` counts them by precision."""

    ir_version: int
    opset: int
    domains: frozenset[str]
    inputs: dict[str, Value]
    outputs: dict[str, Value]
    operators: dict[str, int]
    weights: dict[str, int]
    tensor_bytes: int
    externals: tuple[External, ...]
    file_bytes: int

    @property
    def parameters(self) -> int:
        return sum(self.weights.values())

    @property
    def precision(self) -> str:
        """Of most of the weights: `int4`, `int8`, `fp16`, `fp32`, …"""
        return max(self.weights, key=lambda name: self.weights[name], default="")


def read_graph(file: int, size: int, name: str) -> OnnxGraph:
    """Walk the open regular file of `size` bytes; `name` is its base name for messages.

    Reads no weights. Raises WeightsError when it is not ONNX, is cut, or has what cannot be.
    """
    _require_model(file, name)
    reader = ProtobufReader(file, size, name)
    contents = Contents(reader)
    ir_version, graph = 0, None
    opsets: dict[str, int] = {}
    for number, begin, end in reader.fields(0, size):
        if number == 1 and end < 0:
            ir_version = begin
        elif number == 7 and end >= 0:
            # What loads the file would join them, and only one would have been looked at.
            if graph is not None:
                raise reader.damaged("number of graphs", 2)
            graph = (begin, end)
        elif number == 8 and end >= 0:
            _note_opset(reader, opsets, begin, end)
        elif number == 25 and end >= 0:
            _function(reader, contents, begin, end)
    if graph is None or not ir_version:
        raise WeightsError("weights_not_onnx", file=name)
    contents.graph(*graph)
    return OnnxGraph(
        ir_version=ir_version,
        opset=max((opsets.get(domain, 0) for domain in DEFAULT_DOMAINS), default=0),
        domains=frozenset(opsets) | frozenset(contents.domains),
        inputs=_values(reader, *graph, field=11),
        outputs=_values(reader, *graph, field=12),
        operators=dict(contents.operators),
        weights=dict(contents.weights()),
        tensor_bytes=contents.tensor_bytes,
        externals=tuple(contents.externals),
        file_bytes=size,
    )


def _require_model(file: int, name: str) -> None:
    """The first byte of any other file is rarely the key of a field that a model has."""
    key = os.pread(file, 1, 0)[0]
    if key >> 3 not in MODEL_FIELDS or key & 7 not in (VARINT, BYTES):
        raise WeightsError("weights_not_onnx", file=name)


def _note_opset(reader: ProtobufReader, opsets: dict[str, int], start: int, stop: int) -> None:
    domain, version = "", 0
    for number, begin, end in reader.fields(start, stop):
        if number == 1 and end >= 0:
            domain = reader.text(begin, end)
        elif number == 2 and end < 0:
            version = begin
    opsets[domain] = version
    if len(opsets) > MAX_OPSETS:
        raise reader.damaged("number of operator sets", len(opsets))


def _function(reader: ProtobufReader, contents: Contents, start: int, stop: int) -> None:
    """A FunctionProto: its nodes (7) may hold tensors outside the file as well."""
    for number, begin, end in reader.fields(start, stop):
        if number == 7 and end >= 0:
            contents.node(begin, end, 0)


def _values(reader: ProtobufReader, start: int, stop: int, field: int) -> dict[str, Value]:
    found = {}
    for number, begin, end in reader.fields(start, stop):
        if number == field and end >= 0:
            value = _value(reader, begin, end)
            found[value.name] = value
            if len(found) > MAX_VALUES:
                raise reader.damaged("number of inputs", len(found))
    return found


def _value(reader: ProtobufReader, start: int, stop: int) -> Value:
    """A ValueInfoProto: name (1), type (2) → tensor type (1) → element type (1), shape (2)."""
    name, kind, shape = "", 0, []
    for number, begin, end in reader.fields(start, stop):
        if number == 1 and end >= 0:
            name = reader.text(begin, end)
        elif number == 2 and end >= 0:
            for inner, first, last in _inside(reader, begin, end, 1):
                if inner == 1 and last < 0:
                    kind = first
                elif inner == 2 and last >= 0:
                    shape = _shape(reader, first, last)
    return Value(name, ELEMENT_TYPES.get(kind), tuple(shape))


def _shape(reader: ProtobufReader, start: int, stop: int) -> list[int | None]:
    """A TensorShapeProto: dimensions (1) with a value (1), or a name or nothing."""
    shape: list[int | None] = []
    for number, begin, end in reader.fields(start, stop):
        if number == 1 and end >= 0:
            values = [at for inner, at, last in reader.fields(begin, end) if inner == 1 > last]
            shape.append(values[-1] if values and values[-1] < 1 << 31 else None)
            if len(shape) > 16:
                raise reader.damaged("number of dimensions", len(shape))
    return shape


def _inside(
    reader: ProtobufReader, start: int, stop: int, field: int
) -> list[tuple[int, int, int]]:
    """The fields of the messages that are field `field` of this one."""
    return [
        inner
        for number, begin, end in reader.fields(start, stop)
        if number == field and end >= 0
        for inner in reader.fields(begin, end)
    ]
