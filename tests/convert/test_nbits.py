"""The layout of MatMulNBits, as onnxruntime itself reads it."""

from pathlib import Path

import numpy as np
import pytest

from tests.converted import require_extra

COLUMNS, ROWS, BLOCK = 80, 8, 32


@pytest.mark.parametrize("bits", [4, 8])
def test_codes_are_laid_out_as_the_runtime_reads_them(tmp_path: Path, bits: int) -> None:
    """Three blocks, the last one not full: an odd count of zero points."""
    require_extra()

    import onnxruntime

    from app.convert import nbits
    from app.convert.graph_file import GraphFile

    blocks = -(-COLUMNS // BLOCK)
    built = _graph(tmp_path / "built.onnx", bits, blocks)
    node = next(iter(nbits.find_nodes(built)))
    random = np.random.default_rng(20260101)
    codes = nbits.Codes(
        random.integers(0, 2**bits, (ROWS, blocks * BLOCK)).astype(np.uint8),
        random.normal(size=(ROWS, blocks)).astype(np.float32),
        random.integers(0, 2**bits, (ROWS, blocks)).astype(np.uint8),
    )
    nbits.write(built, node, codes)
    built.save(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(
        str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    found = session.run(None, {"given": np.eye(COLUMNS, dtype=np.float32)})[0].T
    assert np.allclose(found, codes.numbers(COLUMNS), atol=1e-6)
    again = nbits.read(GraphFile(tmp_path / "model.onnx"), node)
    assert np.array_equal(again.numbers(COLUMNS), codes.numbers(COLUMNS))


def _graph(path: Path, bits: int, blocks: int):  # type: ignore[no-untyped-def]
    from onnx import TensorProto, helper, numpy_helper

    from app.convert.graph_file import GraphFile

    arrays = {
        "weight": np.zeros((ROWS, blocks, BLOCK * bits // 8), np.uint8),
        "scales": np.zeros((ROWS, blocks), np.float32),
        "zero": np.zeros((ROWS, -(-blocks * bits // 8)), np.uint8),
    }
    node = helper.make_node(
        "MatMulNBits", ["given", *arrays], ["found"], "/model/layers.0/x/MatMul",
        domain="com.microsoft", K=COLUMNS, N=ROWS, bits=bits, block_size=BLOCK,
    )  # fmt: skip
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])
        for name, width in (("given", COLUMNS), ("found", ROWS))
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph([node], "one", ends[:1], ends[1:], tensors)
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    path.write_bytes(
        helper.make_model(graph, opset_imports=imports, ir_version=10).SerializeToString()
    )
    return GraphFile(path)
