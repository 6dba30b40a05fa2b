"""`vision`: a server with a model that sees; `blind`: one without."""

from collections.abc import Iterator

import pytest

from tests.support import Server, running
from tests.v5.support import seeing

SETTINGS = {"SLLM_MODEL_PATH": "scripted", "VISION_MODEL_PATH": "scripted"}


@pytest.fixture(scope="session")
def vision_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("vision"), SETTINGS) as server:
        seeing(server)
        yield server


@pytest.fixture
def vision(vision_server: Server) -> Iterator[Server]:
    """Afterwards both engines are idle, and nothing went wrong unseen."""
    yield vision_server
    vision_server.wait_idle()
    assert len(vision_server.engines()) == 2
    assert "Traceback" not in vision_server.log


@pytest.fixture(scope="session")
def blind_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("blind"), {"SLLM_MODEL_PATH": "scripted"}) as server:
        yield server
