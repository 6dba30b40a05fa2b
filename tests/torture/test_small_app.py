"""The torture list against the edge and the v1 schema alone, over real sockets."""

from collections.abc import Iterator

import pytest

from tests.edge.raw_http import RawServer, running
from tests.edge.small_app import small_app
from tests.torture.cases import Case, all_cases


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with running(small_app()) as running_server:
        yield running_server


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name[:60])
def test_case(server: RawServer, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    answer = server.post("/api/v1/chat", case.body, case.headers)
    assert answer.status in case.allowed, answer.body[:300]
    assert "x-request-id" in answer.headers
    assert "Traceback" not in caplog.text
    if answer.status != 200:
        assert b'"code"' in answer.body
        assert len(answer.body) < 4096
