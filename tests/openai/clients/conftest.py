"""The clients' programs, and two servers for them: a scripted one, and one on real weights."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.weights import ensure
from tests.openai.clients import environment
from tests.support import Server, running
from tests.v5.support import seeing


@pytest.fixture(scope="session")
def python_clients() -> Path:
    """Programs of the clients' environment."""
    if os.environ.get("SLLM_TEST_OFFLINE") == "1":
        pytest.skip("SLLM_TEST_OFFLINE=1: the clients come from pip's index")
    return environment.python_clients()


@pytest.fixture(scope="session")
def node_clients(python_clients: Path) -> Path:
    """The folder with the clients of Node, whose own program comes from pip's index."""
    try:
        environment.run(["node", "--version"], programs=python_clients)
    except OSError as error:
        pytest.skip(f"Node does not run on this machine: {error}")
    return environment.node_clients(python_clients)


@pytest.fixture(scope="session")
def clients_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """On the scripted engine, with one that sees and a queue that is soon full."""
    settings = {
        "SLLM_MODEL_PATH": "scripted",
        "VISION_MODEL_PATH": "scripted",
        "PARALLEL_SLOTS": "2",
        "QUEUE_LIMIT": "2",
    }
    with running(tmp_path_factory.mktemp("clients"), settings) as server:
        seeing(server)
        yield server


@pytest.fixture(scope="session", params=["gguf", "onnx"])
def weights_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, weights_dir: Path
) -> Iterator[Server]:
    """Qwen2.5-Coder 0.5B, whose template knows tools, and the bundled model that sees."""
    if request.param == "gguf":
        path = ensure("qwen2.5-coder-0.5b-instruct", weights_dir).path
    else:
        path = str(request.getfixturevalue("qwen_int8"))
    settings = {
        "SLLM_MODEL_PATH": path,
        "VISION_MODEL_PATH": "shapes-demo",
        "CONTEXT_LENGTH": "2048",
        "PARALLEL_SLOTS": "1",
    }
    with running(tmp_path_factory.mktemp("clients-weights"), settings) as server:
        seeing(server)
        yield server
