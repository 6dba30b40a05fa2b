"""Fixtures of the command line's tests."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.support import clean_environment
from tests.support import Server, running
from tests.weights.entries import CONTENT
from tests.weights.hub_pages import HubPages
from tests.weights.web import serve


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """No settings but a folder of one's own."""
    return clean_environment(tmp_path)


@pytest.fixture(scope="session")
def seeing_scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on stand-ins for both models, for chats that bring pictures."""
    settings = {"SLLM_MODEL_PATH": "scripted", "VISION_MODEL_PATH": "scripted"}
    with running(tmp_path_factory.mktemp("cli"), settings) as server:
        server.wait_until(lambda: server.health()["models"]["vision"]["status"] == "ready")
        yield server


@pytest.fixture
def hub() -> Iterator[HubPages]:
    with serve() as web:
        yield HubPages(web, files={"tiny-Q4_K_M.gguf": CONTENT, "README.md": b"about"})


@pytest.fixture
def there(environment: dict[str, str], hub: HubPages) -> dict[str, str]:
    """The environment of a machine whose hub is this one."""
    hub.publish("v1")
    return environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A shell that runs the tests in its background has them ignore Ctrl-C, and so would all that
    they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
