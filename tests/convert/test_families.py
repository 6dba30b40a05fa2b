"""A tiny random checkpoint of each family: converted, looked at, equal to its source."""

import json
from pathlib import Path

import pytest

from app.convert import conversion
from app.convert.source import find_source
from app.weights.onnx_graph import read_graph
from app.weights.onnx_preflight import check
from app.weights.opening import opened
from app.weights.task import Task
from tests.convert.checkpoints import FAMILIES, HEADS, LAYERS, WIDTH, WINDOW, write_checkpoint
from tests.converted import require_extra, run

# The libraries that build graphs warn of their own use of each other.
pytestmark = [pytest.mark.weights, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module", autouse=True)
def _extra() -> None:
    require_extra()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_converted_without_loss_in_32_bits(tmp_path: Path, family: str) -> None:
    source = write_checkpoint(tmp_path / "source", family)
    conversion.convert(find_source(str(source), tmp_path, Task()), tmp_path / "out", "fp32", Task())
    card = json.loads((tmp_path / "out" / "sllm.json").read_text())
    assert abs(card["loss"]) < 1e-3
    assert card["greedy_tokens_equal"] == card["greedy_tokens"] == 64
    header = check(tmp_path / "out" / "model.onnx")
    assert (header.architecture, header.block_count) == (family, LAYERS)
    assert header.context_length == WINDOW
    width = FAMILIES[family].get("hidden_size", WIDTH)
    assert header.key_length == FAMILIES[family].get("head_dim", width // HEADS)
    assert header.end_tokens == (4,)
    assert header.has_chat_template
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]


def test_four_bits_leave_the_sensitive_layers_in_eight(tmp_path: Path) -> None:
    """The builder passes over options that it does not know: then all would be in four."""
    source = write_checkpoint(tmp_path / "source", "llama")
    conversion.convert(find_source(str(source), tmp_path, Task()), tmp_path / "out", "int4", Task())
    with opened(tmp_path / "out" / "model.onnx") as (file, size):
        weights = read_graph(file, size, "model.onnx").weights
    assert weights["int4"] > 0
    assert weights["int8"] > check(tmp_path / "out" / "model.onnx").vocabulary_size * WIDTH


@pytest.mark.parametrize("family", ["qwen2", "gemma2"])
def test_the_embedding_is_quantized_too(tmp_path: Path, family: str) -> None:
    """Once, where the head is the same matrix; Gemma 2 has bounds behind its head."""
    source = write_checkpoint(tmp_path / "source", family)
    run("convert", str(source), "--output", str(tmp_path / "out"))
    card = json.loads((tmp_path / "out" / "sllm.json").read_text())
    assert card["embedding"] == "shared_int8"
    with opened(tmp_path / "out" / "model.onnx") as (file, size):
        weights = read_graph(file, size, "model.onnx").weights
    # What is left in 32 bits is norms, biases and the angles of positions.
    assert weights["fp32"] < card["parameters"] / 2
    assert weights["int8"] > 2 * check(tmp_path / "out" / "model.onnx").vocabulary_size * WIDTH
    assert card["loss"] < 0.02
