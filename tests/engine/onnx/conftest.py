"""A loaded backend for the ONNX engine's tests; the weights come from tests/conftest.py."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.engine.backends.onnx import OnnxBackend
from tests.engine.onnx.folders import spec_of


@pytest.fixture(scope="session")
def loaded(smollm2_int8: Path, tmp_path_factory: pytest.TempPathFactory) -> OnnxBackend:
    return OnnxBackend.load(spec_of(smollm2_int8, tmp_path_factory.mktemp("e")))


@pytest.fixture
async def backend(loaded: OnnxBackend) -> AsyncIterator[OnnxBackend]:
    """SmolLM2 in 8 bits, four slots, on this test's event loop."""
    await loaded.open()
    yield loaded
    await loaded.close()
