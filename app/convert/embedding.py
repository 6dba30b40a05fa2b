"""The token embedding in 8 bits, which the builder leaves in 32: shared with the head where both
are the same weights.
"""

from typing import Any, Final, Literal

import numpy as np
import onnx
from msgspec import Struct
from numpy.typing import NDArray

from app.convert.graph_file import GraphFile

BLOCK: Final = 32
ZERO: Final = 128
ROWS: Final = 4096
# Two quantizations of one matrix differ by a few percent, two matrices by more than a half.
SAME: Final = 0.1
# What Gemma 2 puts between its head and the logits, to keep them between two bounds.
BOUNDING: Final = frozenset({"Cast", "Div", "Tanh", "Mul"})
NAME: Final = "model.embed_tokens.weight_Q8"


class _Head(Struct, frozen=True):
    """The node that gives the logits: its weights in 8 bits, by block."""

    weight: str
    scales: str
    zero_points: str | None
    block: int


# What became of the embedding: the head's bytes, its own in 8 bits, or as the builder made it.
Outcome = Literal["shared_int8", "int8", "unchanged"]


def shrink_embedding(graph: GraphFile) -> Outcome:
    """Replace the embedding's Gather by GatherBlockQuantized over 8-bit weights.

    With the head's bytes if it has the same weights (a GGUF file may hold tied weights twice,
    the head's with more bits), else with its own. Rows that are no whole blocks stay as they
    are.
    """
    gather = next((node for node in graph.nodes if _is_embedding(graph, node)), None)
    if gather is None:
        return "unchanged"
    name = gather.input[0]
    rows, width = graph.initializers[name].dims
    if width % BLOCK:
        return "unchanged"
    head = _head(graph, rows, width)
    outcome: Outcome = "int8"
    if head is not None and _is_same(graph, name, head):
        outcome = "shared_int8"
        inputs, block = _share(graph, head, rows, width), head.block
    else:
        inputs, block = _quantize(graph, name), BLOCK
    _replace(graph, gather, inputs, block)
    if not graph.consumers(name):
        graph.remove(name)
    return outcome


def _is_embedding(graph: GraphFile, node: Any) -> bool:
    if node.op_type != "Gather" or node.input[0] not in graph.initializers:
        return False
    tensor = graph.initializers[node.input[0]]
    is_matrix = len(tensor.dims) == 2 and tensor.data_type == onnx.TensorProto.FLOAT
    return is_matrix and node.input[1] == "input_ids"


def _head(graph: GraphFile, rows: int, width: int) -> _Head | None:
    node = _head_node(graph)
    if node is None:
        return None
    found = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    fits = (found["N"], found["K"], found["bits"]) == (rows, width, 8)
    if not fits or width % found["block_size"] != 0:
        return None
    zero_points = node.input[3] if len(node.input) > 3 and node.input[3] else None
    return _Head(node.input[1], node.input[2], zero_points, found["block_size"])


def _head_node(graph: GraphFile) -> Any | None:
    """From the logits back to the multiplication that makes them."""
    makers = {output: node for node in graph.nodes for output in node.output}
    node = makers.get("logits")
    while node is not None and node.op_type in BOUNDING:
        node = makers.get(node.input[0])
    return node if node is not None and node.op_type == "MatMulNBits" else None


def _is_same(graph: GraphFile, name: str, head: _Head) -> bool:
    """Whether the head's weights are the embedding's, but for the rounding of either."""
    embedding = graph.array(name)
    rows = np.linspace(0, len(embedding) - 1, min(ROWS, len(embedding))).astype(int)
    wanted = np.asarray(embedding[rows], np.float32)
    difference = wanted - _dequantized(graph, head, rows)
    return float(np.sqrt(np.mean(difference**2))) < SAME * float(np.sqrt(np.mean(wanted**2)))


def _dequantized(graph: GraphFile, head: _Head, rows: NDArray[Any]) -> NDArray[np.float32]:
    weight = np.asarray(graph.array(head.weight)[rows], np.float32)
    blocks = weight.shape[1]
    zero: NDArray[Any] | int = ZERO
    if head.zero_points is not None:
        zero = graph.array(head.zero_points).reshape(-1, blocks)[rows].astype(np.float32)[..., None]
    scales = graph.array(head.scales).reshape(-1, blocks)[rows][..., None]
    found: NDArray[np.float32] = ((weight - zero) * scales).reshape(len(rows), -1)
    return found


def _share(graph: GraphFile, head: _Head, rows: int, width: int) -> list[str]:
    graph.alias(NAME, head.weight, (rows, width))
    graph.alias(f"{NAME}_scales", head.scales, (rows, width // head.block))
    if head.zero_points is None:
        return [NAME, f"{NAME}_scales"]
    graph.alias(f"{NAME}_zero_points", head.zero_points, (rows, width // head.block))
    return [NAME, f"{NAME}_scales", f"{NAME}_zero_points"]


def _quantize(graph: GraphFile, name: str) -> list[str]:
    """Symmetric, a scale for each block of 32, rounded to nearest."""
    embedding = graph.array(name)
    rows, width = embedding.shape
    weight = np.empty((rows, width), np.uint8)
    scales = np.empty((rows, width // BLOCK), np.float32)
    for start in range(0, rows, ROWS):
        part = np.asarray(embedding[start : start + ROWS]).reshape(-1, width // BLOCK, BLOCK)
        scale = np.abs(part).max(-1) / 127
        quantized = np.rint(part / np.where(scale > 0, scale, 1)[..., None]) + ZERO
        weight[start : start + ROWS] = quantized.reshape(-1, width)
        scales[start : start + ROWS] = scale
    graph.add(NAME, weight)
    graph.add(f"{NAME}_scales", scales)
    return [NAME, f"{NAME}_scales"]


def _replace(graph: GraphFile, gather: Any, inputs: list[str], block: int) -> None:
    """The node in the same place, with the same output."""
    fresh = onnx.helper.make_node(
        "GatherBlockQuantized",
        [inputs[0], gather.input[1], *inputs[1:]],
        list(gather.output),
        name=f"{gather.name}BlockQuantized",
        domain="com.microsoft",
        bits=8,
        block_size=block,
        gather_axis=0,
        quantize_axis=1,
    )
    gather.CopyFrom(fresh)
