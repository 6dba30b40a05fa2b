"""Folders that cannot be converted are told why before any work; what is broken off is gone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.convert.vision.source import find_vision_source
from app.weights import CancelledError, WeightsError
from app.weights.task import Task
from tests.converted import require_extra

CONFIG: dict[str, Any] = {
    "model_type": "hyperclovax_vlm",
    "mm_projector_type": "cabstractor",
    "num_queries_vis_abstractor": 81,
    "vision_config": {"model_type": "siglip_vision_model"},
    "language_config": {"model_type": "llama", "hidden_size": 64},
}
pytestmark = pytest.mark.filterwarnings("ignore")


def folder_of(path: Path, **changes: Any) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps({**CONFIG, **changes}))
    for name in ("preprocessor_config.json", "tokenizer.json"):
        (path / name).write_text("{}")
    (path / "model.safetensors").write_bytes(b"")
    return path


def refused(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        find_vision_source(path)
    assert str(path.parent) not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "text", "word"),
    [
        ({"model_type": "florence2"}, "convert_vision_unknown", "florence2"),
        ({"quantization_config": {}}, "convert_quantized_source", "folder"),
        ({"mm_projector_type": "qwen_merger"}, "vision_config_unknown", "qwen_merger"),
        ({"num_queries_vis_abstractor": 80}, "vision_config_unknown", "80"),
        (
            {"language_config": {"model_type": "hyperclovax"}},
            "convert_vision_unknown",
            "text model hyperclovax",
        ),
    ],
    ids=str,
)
def test_configurations_that_are_not_known(
    tmp_path: Path, changes: dict[str, Any], text: str, word: str
) -> None:
    error = refused(folder_of(tmp_path / "folder", **changes))
    assert error.text == text
    assert word in str(error)


@pytest.mark.parametrize(
    "name", ["config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"]
)
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    folder = folder_of(tmp_path / "folder")
    (folder / name).unlink()
    assert name.replace("model", "*") in str(refused(folder))


@pytest.mark.parametrize("config", ["", "[]", "[" * 100_000])
def test_damaged_configurations(tmp_path: Path, config: str) -> None:
    folder = folder_of(tmp_path / "folder")
    (folder / "config.json").write_text(config)
    assert refused(folder).text == "convert_vision_damaged"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 100,
        (9).to_bytes(8, "little") + b"not JSON.",
        (70).to_bytes(8, "little")
        + json.dumps({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}})
        .ljust(70)
        .encode(),
        (2).to_bytes(8, "little") + b"[]",
        (8).to_bytes(8, "little") + b'{"a": 1}',
    ],
    ids=range(6),
)
def test_damaged_weights(tmp_path: Path, content: bytes) -> None:
    require_extra()
    from app.convert.vision.checkpoint import Checkpoint

    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        Checkpoint(tmp_path)
    assert caught.value.text == "convert_vision_damaged"


def test_values_that_16_bits_cannot_hold(tmp_path: Path) -> None:
    require_extra()
    from app.convert.vision.writer import GraphWriter

    writer = GraphWriter(tmp_path / "graph.onnx", "fp16")
    writer.weight("vector", np.array([1e6]))
    with pytest.raises(WeightsError) as caught:
        writer.weight("matrix", np.array([[1e6]]))
    writer.close()
    assert caught.value.text == "convert_vision_range"


@pytest.mark.weights
def test_a_conversion_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    require_extra()
    from app.convert.vision.conversion import convert
    from tests.convert.vision.tiny import write_checkpoint

    write_checkpoint(tmp_path / "source", 1)
    progress = _CancelAt("convert_step_graph")
    progress.task = task = Task(progress)
    with pytest.raises(CancelledError):
        convert(find_vision_source(tmp_path / "source"), tmp_path / "out", "int8", task)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


class _CancelAt:
    """Progress that sets the task's `cancel` when this step begins."""

    task: Task

    def __init__(self, text: str) -> None:
        self._text = text

    def note(self, notice: Any) -> None:
        if notice.text == self._text:
            self.task.cancel.set()

    def advance(self, file: str, done: int, total: int | None) -> None:
        """Not looked at."""
