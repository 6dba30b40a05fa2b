"""The projector's graph against timm itself (by goldens), and every kind of projector."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.converted import require_extra

GOLDENS = Path(__file__).parent / "goldens"
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def _extra() -> None:
    require_extra()


def checkpoint(folder: Path, tensors: dict[str, Any]) -> Any:
    from safetensors.numpy import save_file

    from app.convert.vision.checkpoint import Checkpoint

    folder.mkdir(exist_ok=True)
    save_file({name: np.ascontiguousarray(each) for name, each in tensors.items()},
              folder / "model.safetensors")  # fmt: skip
    return Checkpoint(folder)


def run(folder: Path, tensors: dict[str, Any], x: Any, nodes: Any) -> Any:
    """What the graph makes of `x` [batch, rows, width]; `nodes(layers, "x")` builds it."""
    from app.convert.vision.layers import Layers
    from app.convert.vision.writer import GraphWriter, value
    from tests.convert.vision.loop import session

    path = folder / "graph.onnx"
    writer = GraphWriter(path)
    found = nodes(Layers(writer, checkpoint(folder, tensors)), "x")
    writer.result("y", "Identity", found)
    writer.save([value("x", np.float32, *x.shape)], [value("y", np.float32, "a", "b", "c")])
    return session(path).run(None, {"x": x})[0]


@pytest.mark.parametrize(("name", "side", "queries"), [("7to3", 7, 3), ("9to4", 9, 4)])
def test_the_abstractor_is_timm_s(tmp_path: Path, name: str, side: int, queries: int) -> None:
    from app.convert.vision.projector import abstractor

    golden = dict(np.load(GOLDENS / f"cabstractor-{name}.npz"))
    x, expected = golden.pop("x"), golden.pop("y")

    def nodes(layers: Any, x: str) -> str:
        return abstractor(layers, x, "mm_projector.", side, queries)

    found = run(tmp_path, golden, x, nodes)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert np.abs(expected).max() > 0.5


@pytest.mark.parametrize(("side", "queries"), [(27, 9), (7, 3), (10, 4), (5, 5), (3, 4)])
def test_pooling_is_torch_s(side: int, queries: int) -> None:
    import torch

    from app.convert.vision.projector import pooling

    x = torch.randn(2, 5, side, side)
    expected = torch.nn.AdaptiveAvgPool2d((queries, queries))(x).flatten(2).transpose(1, 2)
    found = pooling(side, queries) @ x.flatten(2).transpose(1, 2).numpy()
    np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-6)


def test_the_restated_stage_is_timm_s() -> None:
    """The other proofs put a model together from it."""
    import torch

    from tests.convert.vision.regstage import CAbstractor
    from tests.convert.vision.timm_golden import CASES

    for name, case in CASES.items():
        golden = dict(np.load(GOLDENS / f"cabstractor-{name}.npz"))
        x, y = torch.from_numpy(golden.pop("x")), golden.pop("y")
        module = CAbstractor(**case).eval()
        module.load_state_dict(
            {key.removeprefix("mm_projector."): torch.from_numpy(golden[key]) for key in golden}
        )
        with torch.no_grad():
            np.testing.assert_allclose(module(x).numpy(), y, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["linear", "mlp", "inverted_mlp"])
def test_simpler_projectors(tmp_path: Path, kind: str) -> None:
    import torch
    from torch.nn import functional

    from app.convert.vision.layers import Layers
    from app.convert.vision.projector import perceptron

    torch.manual_seed(1)
    x, inner = torch.randn(2, 5, 16), 40 if kind == "inverted_mlp" else 20
    names = ("mm_projector",) if kind == "linear" else ("mm_projector.fc1", "mm_projector.fc2")
    first = torch.nn.Linear(16, 24 if kind == "linear" else inner)
    second = torch.nn.Linear(inner, 24)
    tensors: dict[str, Any] = {}
    for name, module in zip(names, (first, second), strict=False):
        tensors |= {f"{name}.{key}": each.numpy() for key, each in module.state_dict().items()}
    with torch.no_grad():
        expected = first(x) if kind == "linear" else second(functional.gelu(first(x)))

    def nodes(layers: Layers, x: str) -> str:
        return layers.linear(x, names[0]) if kind == "linear" else perceptron(layers, x, *names)

    found = run(tmp_path, tensors, x.numpy(), nodes)
    np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-5)
