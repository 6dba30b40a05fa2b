"""A start goes without the search for garbage, and what runs afterwards does not."""

import gc
from collections.abc import Iterator

import pytest
from uvicorn import Config

from app.edge.web_server import WebServer
from tests.edge.small_app import small_app


@pytest.fixture
def as_it_was() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("as_it_was")
async def test_garbage_is_looked_for_once_the_server_has_started() -> None:
    config = Config(small_app(), port=0, lifespan="off", log_config=None)
    config.load()
    server = WebServer(config)
    server.lifespan = config.lifespan_class(config)
    gc.disable()
    await server.startup()
    assert server.started
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    await server.shutdown()
