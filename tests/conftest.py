"""Servers for all tests: one on the scripted engine, one on the embedded weights."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from app.weights import ModelSpec, ensure
from tests.converted import converted
from tests.database import postgresql
from tests.support import Server, running

# The same examples each time, so that a change is judged by what it changes; new ones are sought
# with `HYPOTHESIS_PROFILE=search ./test.sh`. No test asserts on time.
TIMELESS: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeatable", derandomize=True, **TIMELESS)
settings.register_profile("search", **TIMELESS)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# What concerns a whole run, also where its tests are in several processes.
pytest_plugins = ["tests.distribution", "tests.conformance.report"]

# Weights that `sllm convert` makes once, and the seconds that may take on two busy cores.
CONVERTED = frozenset({"smollm2_int8", "smollm2_fp32", "smollm2_cuda", "qwen_int8", "column"})
CONVERTING_SECONDS = 2400


def pytest_configure() -> None:
    """A run that is ended from outside ends what it has started, as one that Ctrl-C ends."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Whichever test comes first makes the weights, within its own time."""
    for item in items:
        if CONVERTED.intersection(item.fixturenames):
            item.add_marker(pytest.mark.timeout(CONVERTING_SECONDS))


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """Where weights stay between runs."""
    from app.config import Settings

    return Settings().data_dir


@pytest.fixture(scope="session")
def embedded(weights_dir: Path) -> ModelSpec:
    """The embedded model, fetched once."""
    return ensure(None, weights_dir)


@pytest.fixture(scope="session")
def smollm2_int8(weights_dir: Path) -> Path:
    """The folder of SmolLM2 as ONNX in 8 bits."""
    return converted(weights_dir, "smollm2-135m-instruct")


@pytest.fixture(scope="session")
def smollm2_fp32(weights_dir: Path) -> Path:
    """The folder of SmolLM2 as ONNX in 32 bits: what the GGUF file holds, exactly."""
    return converted(weights_dir, "smollm2-135m-instruct", "fp32")


@pytest.fixture(scope="session")
def smollm2_cuda(weights_dir: Path) -> Path:
    """The folder of SmolLM2 as ONNX in 16 bits, made for a GPU."""
    return converted(weights_dir, "smollm2-135m-instruct", "fp16", "cuda")


@pytest.fixture(scope="session")
def qwen_int8(weights_dir: Path) -> Path:
    """The folder of Qwen2.5-Coder 0.5B as ONNX in 8 bits."""
    return converted(weights_dir, "qwen2.5-coder-0.5b-instruct")


@pytest.fixture(scope="session")
def scripted_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on the scripted engine, shared; tests leave it idle and alive."""
    settings = {"SLLM_MODEL_PATH": "scripted", "QUEUE_LIMIT": "8"}
    with running(tmp_path_factory.mktemp("scripted"), settings) as server:
        yield server


@pytest.fixture
def scripted(scripted_server: Server) -> Iterator[Server]:
    """The shared scripted server, with what must be true after every test: the same engine,
    nobody in it, no traceback in the log, and a control chat that is answered."""
    before = [engine.pid for engine in scripted_server.engines()]
    yield scripted_server
    scripted_server.wait_idle()
    assert [engine.pid for engine in scripted_server.engines()] == before
    assert "Traceback" not in scripted_server.log
    assert scripted_server.chat("control").status_code == 200


@pytest.fixture(scope="session")
def smollm2_server(
    tmp_path_factory: pytest.TempPathFactory, embedded: ModelSpec
) -> Iterator[Server]:
    """A server on SmolLM2, shared."""
    settings = {"SLLM_MODEL_PATH": embedded.path, "CONTEXT_LENGTH": "1024"}
    with running(tmp_path_factory.mktemp("smollm2"), settings) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Postgresql]:
    """A PostgreSQL server of this session's own."""
    programs = postgresql.binaries()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    with postgresql.running(programs) as server:
        yield server
