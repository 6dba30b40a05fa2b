"""Let a graph compute logits for the last row only: nobody reads the others, and in small models
the head is a quarter of the work of a prompt.
"""

import struct
from typing import Final, NamedTuple

from app.engine.onnx.protobuf import Field, fields, integer, message, text

# Operators that keep rows apart and may stand between the head and the logits.
_ROW_BY_ROW: Final = frozenset({"Cast", "Mul", "Div", "Tanh", "Add"})
_HEADS: Final = frozenset(
    {"MatMul", "MatMulNBits", "MatMulBnb4", "FusedMatMul", "DynamicQuantizeMatMul"}
)
_LAST: Final = "sllm_last_row"
_INT64: Final = 7


class _Node(NamedTuple):
    field: Field
    operator: str
    inputs: list[str]
    outputs: list[str]


def last_row_only(model: bytes) -> bytes | None:
    """The model with a slice before its head; None where no head is recognised.

    Raises ValueError for what is no ONNX file.
    """
    data = memoryview(model)
    graphs = [field for field in fields(data, 0, len(data)) if field.number == 7]
    if len(graphs) != 1:
        return None
    (graph,) = graphs
    nodes = [_node(data, field) for field in fields(data, graph.begin, graph.stop) if field[0] == 1]
    head = _head(nodes)
    if head is None:
        return None
    start, stop = head.field.start, head.field.stop
    changed = b"".join(
        [
            data[graph.begin : start],
            message(1, _slice_node(head.inputs[0])),
            message(1, _reading(data, head)),
            data[stop : graph.stop],
            *(message(5, _tensor(name, value)) for name, value in _CONSTANTS.items()),
        ]
    )
    return b"".join([data[: graph.start], message(7, changed), data[graph.stop :]])


def _node(data: memoryview, field: Field) -> _Node:
    inputs, outputs, operator = [], [], ""
    for part in fields(data, field.begin, field.stop):
        if part.number == 1:
            inputs.append(text(data, part))
        elif part.number == 2:
            outputs.append(text(data, part))
        elif part.number == 4:
            operator = text(data, part)
    return _Node(field, operator, inputs, outputs)


def _head(nodes: list[_Node]) -> _Node | None:
    """From the logits back to the multiplication that makes them."""
    makers = {output: node for node in nodes for output in node.outputs}
    node = makers.get("logits")
    while node is not None and node.operator in _ROW_BY_ROW:
        made = [makers[name] for name in node.inputs if name in makers]
        node = next((maker for maker in made if maker.operator != "Constant"), None)
    if node is None or node.operator not in _HEADS or node.inputs[0] not in makers:
        return None
    return node


# Slice's inputs after the data: of axis 1 (tokens) what lies from -1 to the end.
_CONSTANTS: Final = {
    _LAST + "_start": -1,
    _LAST + "_end": 2**63 - 1,
    _LAST + "_axis": 1,
}


def _slice_node(hidden: str) -> bytes:
    inputs = b"".join(message(1, name.encode()) for name in (hidden, *_CONSTANTS))
    return inputs + message(2, _LAST.encode()) + message(4, b"Slice")


def _reading(data: memoryview, head: _Node) -> bytes:
    """The head's node with the slice as its first input."""
    parts = list(fields(data, head.field.begin, head.field.stop))
    first = next(part for part in parts if part.number == 1)
    return b"".join(
        message(1, _LAST.encode()) if part is first else data[part.start : part.stop]
        for part in parts
    )


def _tensor(name: str, value: int) -> bytes:
    """An initializer of one number: dims (1), type (2), name (8), raw data (9)."""
    content = message(9, struct.pack("<q", value))
    return integer(1, 1) + integer(2, _INT64) + message(8, name.encode()) + content
