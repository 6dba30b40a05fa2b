"""The architectures of the catalogue, as tiny random weights: load, chat, stream and cancel, on
each engine that takes them.
"""

from pathlib import Path

import pytest

from app.convert import conversion
from app.convert.source import find_source
from app.weights import catalog
from app.weights.task import Task
from tests.api.tiny_gguf import ARCHITECTURES, write_gguf
from tests.convert.checkpoints import write_checkpoint
from tests.converted import require_extra
from tests.support import Server, events, running

pytestmark = pytest.mark.weights
# Of the catalogue's ONNX entries, and of its GGUF files as far as they can be converted.
ONNX = ("llama", "qwen2", "mistral", "phi")
SETTINGS = {"CONTEXT_LENGTH": "512", "PARALLEL_SLOTS": "2"}


def test_every_architecture_of_the_catalogue_is_tried() -> None:
    ours = {entry.architecture for entry in catalog.entries() if entry.format == "gguf"}
    # Gemma's own weights are served in other tests.
    assert ours - {"gemma3"} == set(ARCHITECTURES)
    onnx = {entry.architecture for entry in catalog.entries() if entry.format == "onnx"}
    # The one that sees is converted and served whole in tests/convert/vision.
    assert onnx - {"hyperclovax_vlm"} <= set(ONNX)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gguf(tmp_path: Path, architecture: str) -> None:
    path = write_gguf(tmp_path / f"{architecture}.gguf", architecture)
    try_out(tmp_path, path, architecture, "gguf")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", ONNX)
def test_onnx(tmp_path: Path, family: str) -> None:
    require_extra()
    source = find_source(str(write_checkpoint(tmp_path / "source", family)), tmp_path, Task())
    conversion.convert(source, tmp_path / "tiny", "int8", Task())
    try_out(tmp_path, tmp_path / "tiny", family, "onnx")


def try_out(folder: Path, model: Path, architecture: str, kind: str) -> None:
    """Load, chat, stream, cancel; random weights say anything, but end as they should."""
    with running(folder, SETTINGS | {"SLLM_MODEL_PATH": str(model)}) as server:
        text = server.health()["models"]["text"]
        assert (text["format"], text["architecture"]) == (kind, architecture)
        answer = server.chat("Hi", max_tokens=8, temperature=0)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["usage"]["completion_tokens"] <= 8
        # Tokens of single bytes: the prompt is at least as long as what was said.
        assert body["usage"]["prompt_tokens"] > len("userHi")
        streamed = events(server, "Hi", max_tokens=8, temperature=0)
        assert streamed[-1][0] == "done"
        assert streamed[-1][1]["response"] == body["response"]
        cancel(server)
        assert (
            server.chat("Hi", max_tokens=8, temperature=0).json()["response"] == (body["response"])
        )
        assert "Traceback" not in server.log


def cancel(server: Server) -> None:
    """Leave in the middle of an answer: its slot becomes free, the engine stays."""
    before = [engine.pid for engine in server.engines()]
    body = {"message": "Hi", "max_tokens": 400, "temperature": 1, "seed": 1}
    with server.http.stream("POST", "/api/v2/chat/stream", json=body) as response:
        next(response.iter_lines())
    server.wait_idle()
    assert [engine.pid for engine in server.engines()] == before
