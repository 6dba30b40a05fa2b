"""What cannot be converted is told before any work; what is broken off leaves nothing behind."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.convert import conversion, requirements
from app.convert.errors import ConvertError
from app.convert.source import find_source
from app.weights import WeightsError
from app.weights.task import Task
from tests.convert.checkpoints import write_checkpoint
from tests.converted import ROOT, require_extra
from tests.weights.gguf_builder import METADATA, TENSORS, build, text
from tests.weights.onnx_builder import write_folder


def refused(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        find_source(str(path), path.parent / "data", Task())
    assert str(path.parent) not in str(caught.value)
    return caught.value


def folder_of(path: Path, **config: object) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    (path / "tokenizer.json").write_text("{}")
    (path / "model.safetensors").write_bytes(b"")
    return path


def test_sources_that_cannot_be_converted_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "rwkv.gguf").write_bytes(
        build(METADATA | {"general.architecture": text("rwkv7")}, TENSORS)
    )
    quantized = folder_of(tmp_path / "awq", quantization_config={"quant_method": "awq"})
    found = [
        refused(tmp_path / "empty"),
        refused(tmp_path / "rwkv.gguf"),
        refused(folder_of(tmp_path / "bert", model_type="bert")),
        refused(quantized),
        refused(write_folder(tmp_path / "onnx")),
    ]
    assert [error.text for error in found] == [
        "convert_not_a_source",
        "convert_unknown_family",
        "convert_unknown_family",
        "convert_quantized_source",
        "convert_onnx_already",
    ]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"use_bidirectional_attention": True}, "use_bidirectional_attention = true"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 8.0}}, "rope_type = yarn"),
        ({"rope_parameters": {"sliding_attention": {"rope_type": "linear"}}}, "rope_type = linear"),
        ({"rope_parameters": ["default"]}, "rope_parameters = list"),
    ],
)
def test_settings_of_gemma_that_no_graph_has_are_named(
    tmp_path: Path, config: dict[str, object], words: str
) -> None:
    found = refused(folder_of(tmp_path / "gemma", model_type="gemma3_text", **config))
    assert found.text == "convert_unknown_setting"
    assert words in str(found)


def test_a_folder_that_exists_is_never_written_over(tmp_path: Path) -> None:
    source = find_source(str(folder_of(tmp_path / "source")), tmp_path, Task())
    (tmp_path / "out").mkdir()
    with pytest.raises(ConvertError, match="out exists already"):
        conversion.convert(source, tmp_path / "out", "int8", Task())
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = find_source(str(folder_of(tmp_path / "source")), tmp_path, Task())
    monkeypatch.setattr(conversion, "_space", lambda *_: 1 << 60)
    with pytest.raises(WeightsError) as caught:
        conversion.convert(source, tmp_path / "out", "int8", Task())
    assert caught.value.text == "weights_disk_full"
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_what_is_missing_comes_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    with pytest.raises(ConvertError, match=r"poetry install -E convert.*torch==2\.13\.0"):
        requirements.require()
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name == "torch" else name)
    with pytest.raises(ConvertError, match=r"^Converting needs PyTorch: pip install torch==2\.13"):
        requirements.require()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_conversion_leaves_nothing(tmp_path: Path, name: str) -> None:
    require_extra()
    source, out = write_checkpoint(tmp_path / "source", "llama"), tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "convert", str(source), "--output", str(out)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Building the graph"):
            break
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == [source]
