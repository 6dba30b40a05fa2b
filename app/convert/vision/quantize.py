"""The decoder's matrices in 4 or 8 bits, one after the other: the builder does it with all of them
in memory, in 32 bits.
"""

import re
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from app.convert.graph_file import GraphFile
from app.convert.vision.writer import MICROSOFT
from app.weights.task import Task

Bits = Literal[4, 8]
BLOCK: Final = 32
# Elements at a time: the search for scales takes a dozen copies of them.
CHUNK: Final = 1 << 22
# Eight bits are calculated with, whatever the weights have.
ACCURACY: Final = 4
_LAYER: Final = re.compile(r"/layers\.(\d+)/.*(qkv_proj|v_proj|down_proj)")


def quantize(graph: GraphFile, bits: Bits, layers: int, task: Task) -> None:
    """Replace every MatMul over a weight whose rows are whole blocks. With 4 bits the head and
    the layers that suffer most have 8, as llama.cpp's mixtures do. Raises CancelledError."""
    found = [node for node in graph.nodes if _is_matrix(graph, node)]
    for done, node in enumerate(found):
        task.check()
        _replace(graph, node, 8 if bits == 4 and _is_sensitive(node.name, layers) else bits)
        task.progress.advance("matrices", done + 1, len(found))


def _is_matrix(graph: GraphFile, node: Any) -> bool:
    if node.op_type != "MatMul" or node.input[1] not in graph.initializers:
        return False
    dims = graph.initializers[node.input[1]].dims
    return len(dims) == 2 and dims[0] % BLOCK == 0


def _is_sensitive(name: str, layers: int) -> bool:
    """The head, and of values and of the way back to the residual: the first and the last
    eighth of the layers, and every third between."""
    if "lm_head" in name:
        return True
    found = _LAYER.search(name)
    if found is None:
        return False
    layer, eighth = int(found[1]), layers // 8
    return layer < eighth or layer >= layers - eighth or (layer - eighth) % 3 == 2


def _replace(graph: GraphFile, node: Any, bits: Bits) -> None:
    name = node.input[1]
    matrix = graph.array(name)
    inputs, outputs = matrix.shape
    packed, scales, zeros = _quantized(matrix, bits)
    graph.add(f"{name}_Q{bits}", packed.reshape(outputs, inputs // BLOCK, BLOCK * bits // 8))
    graph.add(f"{name}_scales", scales)
    graph.add(f"{name}_zero_points", zeros)
    graph.remove(name)
    sizes = {"K": inputs, "N": outputs, "bits": bits, "block_size": BLOCK}
    fresh = helper.make_node(
        "MatMulNBits",
        [node.input[0], f"{name}_Q{bits}", f"{name}_scales", f"{name}_zero_points"],
        list(node.output),
        name=node.name,
        domain=MICROSOFT,
        accuracy_level=ACCURACY,
        **sizes,
    )
    node.CopyFrom(fresh)


def _quantized(
    matrix: NDArray[Any], bits: Bits
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]]:
    """Of [inputs, outputs]: bytes, scales and zero points of [outputs, blocks of inputs]."""
    inputs, outputs = matrix.shape
    step = max(1, CHUNK // inputs)
    parts = [_rows(matrix[:, at : at + step], bits) for at in range(0, outputs, step)]
    packed, scales, zeros = (np.concatenate(each) for each in zip(*parts, strict=True))
    return packed, scales, zeros


def _rows(
    matrix: NDArray[Any], bits: Bits
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]]:
    from onnxruntime.quantization.neural_compressor.weight_only import quant_tensor_k_quant_cpu

    rows = np.ascontiguousarray(matrix.T, np.float32)
    outputs = len(rows)
    if bits == 4:
        # Blocks of one value have no scale to divide by; they come out right all the same.
        with np.errstate(divide="ignore", invalid="ignore"):
            values, scales, zeros = quant_tensor_k_quant_cpu(rows, 4, BLOCK)
    else:
        values, scales, zeros = _nearest(rows.reshape(-1, BLOCK))
    values = values.astype(np.uint8).reshape(outputs, -1)
    zeros = zeros.astype(np.uint8).reshape(outputs, -1)
    scales = scales.astype(np.float32).reshape(outputs, -1)
    if bits == 4:
        values, zeros = _nibbles(values), _nibbles(zeros)
    return values, scales, zeros


def _nearest(blocks: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Symmetric around 128."""
    scales = np.abs(blocks).max(axis=1, keepdims=True) / 127
    values = np.round(blocks / np.where(scales == 0, 1, scales)) + 128
    return values, scales, np.full_like(scales, 128)


def _nibbles(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two to a byte, the first in the lower half; an odd last one alone."""
    even = np.zeros((len(values), -(-values.shape[1] // 2) * 2), np.uint8)
    even[:, : values.shape[1]] = values
    packed: NDArray[np.uint8] = even[:, ::2] | (even[:, 1::2] << 4)
    return packed
