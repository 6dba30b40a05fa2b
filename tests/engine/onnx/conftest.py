"""Converted weights and loaded backends for the ONNX engine's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.engine.backends.onnx import OnnxBackend
from tests.engine.onnx.folders import spec_of


def converted(data_dir: Path, name: str) -> Path:
    folder = data_dir / "converted" / name
    if not (folder / "model.onnx").exists():
        pytest.skip(f"needs DATA_DIR/converted/{name}: sllm convert makes it")
    return folder


@pytest.fixture(scope="session")
def smollm2_int8(weights_dir: Path) -> Path:
    """The folder of SmolLM2 as ONNX in 8 bits."""
    return converted(weights_dir, "smollm2-135m-instruct-int8")


@pytest.fixture(scope="session")
def smollm2_fp32(weights_dir: Path) -> Path:
    """The folder of SmolLM2 as ONNX in 32 bits: what the GGUF file holds, exactly."""
    return converted(weights_dir, "smollm2-135m-instruct-fp32")


@pytest.fixture(scope="session")
def qwen_int8(weights_dir: Path) -> Path:
    """The folder of Qwen2.5-Coder 0.5B as ONNX in 8 bits."""
    return converted(weights_dir, "qwen2.5-coder-0.5b-instruct-int8")


@pytest.fixture(scope="session")
def loaded(smollm2_int8: Path, tmp_path_factory: pytest.TempPathFactory) -> OnnxBackend:
    return OnnxBackend.load(spec_of(smollm2_int8, tmp_path_factory.mktemp("e")))


@pytest.fixture
async def backend(loaded: OnnxBackend) -> AsyncIterator[OnnxBackend]:
    """SmolLM2 in 8 bits, four slots, on this test's event loop."""
    await loaded.open()
    yield loaded
    await loaded.close()
