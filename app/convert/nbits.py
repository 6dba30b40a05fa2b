"""A MatMulNBits node's weights as onnxruntime lays them out: read as numbers, written as codes.

Weight [N, blocks, block * bits / 8], scales [N, blocks], zero points [N, blocks] of the same bits,
two of four bits in a byte, the earlier one low: weight = (code - zero point) * scale.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import onnx
from msgspec import Struct
from numpy.typing import NDArray

from app.convert.graph_file import GraphFile

LAYER: Final = re.compile(r"/layers\.(\d+)/")


class NBits(Struct, frozen=True):
    """One node; names are initializers', `layer` the decoder layer that its own name tells."""

    name: str
    layer: int
    rows: int
    columns: int
    bits: int
    block: int
    weight: str
    scales: str
    zero_points: str

    @property
    def blocks(self) -> int:
        return -(-self.columns // self.block)


class Codes(Struct, frozen=True):
    """`code` [N, blocks * block], one in a byte; `scale` and `zero` [N, blocks]."""

    code: NDArray[np.uint8]
    scale: NDArray[np.float32]
    zero: NDArray[np.uint8]

    def numbers(self, columns: int) -> NDArray[np.float32]:
        """The weights that they stand for, without what fills the last block."""
        by_block = self.code.reshape(*self.scale.shape, -1).astype(np.float32)
        found = (by_block - self.zero[..., None]) * self.scale[..., None]
        return np.ascontiguousarray(found.reshape(len(self.code), -1)[:, :columns])


def find_nodes(graph: GraphFile) -> Iterator[NBits]:
    """Nodes of decoder layers in 4 or 8 bits with zero points and scales in 32 bits."""
    for node in graph.nodes:
        layer = LAYER.search(node.name)
        if node.op_type == "MatMulNBits" and layer and len(node.input) > 3 and node.input[3]:
            found = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
            shape = (found["N"], found["K"], found["bits"], found["block_size"])
            if shape[2] in (4, 8) and _is_plain(graph, node):
                yield NBits(node.name, int(layer[1]), *shape, *node.input[1:4])


def _is_plain(graph: GraphFile, node: Any) -> bool:
    """Whether scales are of 32 bits, zero points packed, and columns in their own order."""
    if len(node.input) > 4 and node.input[4]:
        return False
    kinds = [graph.initializers[name].data_type for name in node.input[1:4]]
    return kinds == [onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8]


def read(graph: GraphFile, node: NBits) -> Codes:
    weight = np.asarray(graph.array(node.weight)).reshape(node.rows, -1)
    zero = np.asarray(graph.array(node.zero_points)).reshape(node.rows, -1)
    scale = np.asarray(graph.array(node.scales)).reshape(node.rows, node.blocks)
    if node.bits == 4:
        weight, zero = _unpack(weight), _unpack(zero)[:, : node.blocks]
    return Codes(weight, scale, zero)


def write(graph: GraphFile, node: NBits, codes: Codes) -> None:
    """In place of the node's own, in the same shapes."""
    pack = _pack if node.bits == 4 else np.asarray
    new = ((node.weight, pack(codes.code)), (node.zero_points, pack(codes.zero)),
           (node.scales, codes.scale))  # fmt: skip
    for name, array in new:
        graph.replace(name, array.reshape(tuple(graph.initializers[name].dims)))


def widen(graph: GraphFile, node: NBits, codes: Codes) -> NBits:
    """Give a node of 4 bits these codes of 8, and the name that goes with them."""
    found = next(each for each in graph.nodes if each.name == node.name)
    found.name = f"{node.name.removesuffix('_Q4')}_Q8"
    next(each for each in found.attribute if each.name == "bits").i = 8
    old = (node.weight, node.scales, node.zero_points)
    weight = codes.code.reshape(node.rows, node.blocks, node.block)
    new: list[NDArray[Any]] = [weight, codes.scale, codes.zero]
    for place, array in enumerate(new, 1):
        name = f"{old[place - 1]}_8_bits"
        graph.add(name, array)
        found.input[place] = name
        graph.remove(old[place - 1])
    return NBits(found.name, node.layer, node.rows, node.columns, 8, node.block, *found.input[1:4])


def _unpack(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack((packed & 15, packed >> 4), -1).reshape(len(packed), -1)


def _pack(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    even = np.pad(codes, ((0, 0), (0, codes.shape[1] % 2)))
    return np.asarray(even[:, ::2] | even[:, 1::2] << 4, np.uint8)
