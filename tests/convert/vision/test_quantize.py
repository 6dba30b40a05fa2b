"""Matrices in 4 and 8 bits: what the runtime makes of them is the matrix, but for the rounding."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.weights.task import Task
from tests.converted import require_extra

pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = ["/model/layers.0/mlp/up_proj/MatMul", "/model/layers.0/mlp/down_proj/MatMul"]


@pytest.fixture(scope="module", autouse=True)
def _extra() -> None:
    require_extra()


def write_graph(path: Path) -> list[Any]:
    """Two matrices, as the builder names them: 96 -> 64 -> 33."""
    import onnx
    from onnx import TensorProto, helper

    random = np.random.default_rng(1)
    matrices = [random.standard_normal(shape).astype(np.float32) for shape in ((96, 64), (64, 33))]
    matrices[0][:32, 5] = 0
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["h"], name=NAMES[0]),
        helper.make_node("MatMul", ["h", "b"], ["y"], name=NAMES[1]),
    ]
    weights = [
        onnx.numpy_helper.from_array(array, name)
        for array, name in zip(matrices, "ab", strict=True)
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 96])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 33])],
        weights,
    )
    sets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    onnx.save_model(helper.make_model(graph, opset_imports=sets, ir_version=10), path)
    return matrices


@pytest.mark.parametrize(("bits", "kinds", "error"), [(8, [8, 8], 0.02), (4, [4, 8], 0.2)])
def test_products_are_those_of_the_matrix(
    tmp_path: Path, bits: Any, kinds: list[int], error: float
) -> None:
    from app.convert.graph_file import GraphFile
    from app.convert.vision.quantize import quantize
    from tests.convert.vision.loop import session

    first, second = write_graph(tmp_path / "plain.onnx")
    graph = GraphFile(tmp_path / "plain.onnx")
    # One layer of one: the last eighth is none, so every third counts from its beginning.
    quantize(graph, bits, 8, Task())
    found = [a.i for node in graph.nodes for a in node.attribute if a.name == "bits"]
    assert found == kinds
    graph.save(tmp_path / "small.onnx")
    x = np.random.default_rng(2).standard_normal((7, 96)).astype(np.float32)
    y = session(tmp_path / "small.onnx").run(None, {"x": x})[0]
    expected = x @ first @ second
    assert np.sqrt(np.mean((y - expected) ** 2)) < error * np.sqrt(np.mean(expected**2))


def test_a_source_of_32_bits_is_read_with_16(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    from app.convert.vision.checkpoint import Checkpoint
    from app.convert.vision.tensor_file import Entry, copy_tensors

    random = np.random.default_rng(4)
    tensors: dict[str, Any] = {
        "wide": random.standard_normal((5, 7)).astype(np.float32),
        "half": random.standard_normal(9).astype(np.float16),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    places = Checkpoint(tmp_path).places
    for narrow in (False, True):
        entries = [Entry(f"new.{name}", place, narrow) for name, place in places.items()]
        copy_tensors(entries, tmp_path / "copy", Task())
        found = load_file(tmp_path / "copy")
        kind = np.float16 if narrow else np.float32
        np.testing.assert_array_equal(found["new.wide"], tensors["wide"].astype(kind))
        np.testing.assert_array_equal(found["new.half"], tensors["half"])


def test_large_matrices_are_done_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.convert.vision import quantize as module

    matrix = np.random.default_rng(3).standard_normal((64, 50)).astype(np.float32)
    whole = [module._quantized(matrix, bits) for bits in (4, 8)]
    monkeypatch.setattr(module, "CHUNK", 200)
    for before, after in zip(whole, (module._quantized(matrix, b) for b in (4, 8)), strict=True):
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)
