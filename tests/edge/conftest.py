"""One small server for the tests of the edge that need raw sockets."""

from collections.abc import Iterator

import pytest

from app.edge.application import EdgeSettings
from tests.edge.raw_http import RawServer, running
from tests.edge.small_app import small_app


@pytest.fixture(scope="session")
def server() -> Iterator[RawServer]:
    edge = EdgeSettings(body_limit=64 * 1024, receive_seconds=0.5)
    with running(small_app(edge)) as running_server:
        yield running_server
