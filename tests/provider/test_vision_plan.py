"""VISION_MODEL_PATH becomes an engine's spec: formats, refusals, and what must not be loaded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import Settings
from app.provider.vision_plan import vision_spec
from app.weights import WeightsError
from app.weights.shapes_demo import Kind, folder
from app.weights.task import Task
from tests.weights.test_vision_package import CONFIG, companions, graphs


def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", context_length=256, parallel_slots=1)


def plan(path: Path, tmp_path: Path) -> object:
    return vision_spec(str(path), tmp_path, settings(tmp_path), Task())


def refusal(path: Path, tmp_path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        plan(path, tmp_path)
    return caught.value


def test_a_folder_of_onnx(tmp_path: Path) -> None:
    folder = tmp_path / "My VLM"
    graphs(folder / "onnx")
    companions(folder)
    spec = vision_spec(str(folder), tmp_path, settings(tmp_path), Task())
    assert (spec.backend, spec.id, spec.architecture) == ("onnx", "my-vlm", "llava")
    assert spec.vision is not None
    assert spec.vision.tokens_min == spec.vision.tokens_max == 576
    assert not spec.vision.takes_hints
    assert spec.vision.files == (
        "vision_encoder.onnx",
        "embed_tokens.onnx",
        "decoder_model_merged.onnx",
    )
    assert spec.onnx_vision is not None
    assert spec.onnx_vision.cache == str(tmp_path / "data" / "vision-features")


def test_the_demo_is_called_by_its_name(tmp_path: Path) -> None:
    spec = vision_spec("shapes-demo", tmp_path, settings(tmp_path), Task())
    assert (spec.id, spec.architecture) == ("shapes-demo", "llava")


@pytest.mark.parametrize("kind", ["onnx", "hyperclovax", "gguf"])
def test_the_demo_s_files_tell_its_license_and_languages(kind: Kind, tmp_path: Path) -> None:
    spec = vision_spec(str(folder(kind)), tmp_path, settings(tmp_path), Task())
    assert spec.vision is not None
    assert (spec.vision.license, spec.languages) == ("mit", ("en", "ko"))


def test_images_of_any_size_are_held_within_the_window(tmp_path: Path) -> None:
    graphs(tmp_path / "m")
    companions(tmp_path / "m", {**CONFIG, "model_type": "qwen2_vl"})
    (tmp_path / "m" / "preprocessor_config.json").write_text(json.dumps({"max_pixels": 12845056}))
    spec = vision_spec(str(tmp_path / "m"), tmp_path, settings(tmp_path), Task())
    assert spec.vision is not None
    assert spec.vision.tokens_max == 128
    assert [notice.text for notice in spec.notices] == ["vision_pixels_capped"]


def test_what_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing", tmp_path).text == "weights_vision_not_found"
    assert refusal(tmp_path, tmp_path).text == "weights_vision_missing"
    graphs(tmp_path / "m")
    companions(tmp_path / "m", {**CONFIG, "model_type": "florence2"})
    error = refusal(tmp_path / "m", tmp_path)
    assert (error.text, error.values["family"]) == ("vision_family_unknown", "florence2")
    companions(tmp_path / "m", {**CONFIG, "vision_config": {"patch_size": -1}})
    error = refusal(tmp_path / "m", tmp_path)
    assert (error.text, error.values["key"]) == ("vision_setting", "patch_size")


def test_a_folder_of_gguf_misses_its_mmproj_and_no_onnx(tmp_path: Path) -> None:
    model = tmp_path / "m"
    model.mkdir()
    (model / "shapes.GGUF").touch()
    assert refusal(model, tmp_path).text == "weights_mmproj_missing"
    graphs(model / "onnx")
    companions(model)
    assert vision_spec(str(model), tmp_path, settings(tmp_path), Task()).backend == "onnx"


def test_planning_loads_no_native_inference_code() -> None:
    program = (
        "import sys, app.provider.vision_plan\n"
        "print([name for name in sys.modules if name in ('onnxruntime', 'xllamacpp')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
