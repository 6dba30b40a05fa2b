"""The torture list against the whole server, on the scripted engine and on real weights: every
answer has a right status, none is a 500, and the engine never dies of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.raw_http import RawServer
from tests.support import Server, running
from tests.torture.cases import Case, all_cases

ROUTES = ("/api/v1/chat", "/api/v2/chat/stream")


def check(server: Server, route: str, case: Case) -> None:
    answer = RawServer(server.port).post(route, case.body, case.headers)
    # A name that no loaded model has is 404 here; the small application knows no models.
    allowed = case.allowed | {404} if b'"model"' in case.body else case.allowed
    assert answer.status in allowed, answer.body[:300]
    assert "x-request-id" in answer.headers
    if answer.status != 200:
        assert b'"code"' in answer.body
        assert len(answer.body) < 4096


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name[:60])
def test_scripted(scripted_server: Server, route: str, case: Case) -> None:
    check(scripted_server, route, case)


def test_nothing_is_left_behind(scripted: Server) -> None:
    """Runs after the list: the fixture looks at slots, engine and log."""


@pytest.fixture(scope="module")
def onnx_server(smollm2_int8: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"SLLM_MODEL_PATH": str(smollm2_int8), "CONTEXT_LENGTH": "1024"}
    with running(tmp_path_factory.mktemp("onnx"), settings) as server:
        yield server


@pytest.mark.weights
@pytest.mark.parametrize("engine", ["smollm2_server", "onnx_server"])
def test_real_weights(engine: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(engine)
    before = [process.pid for process in server.engines()]
    for case in all_cases():
        check(server, ROUTES[0], case)
    server.wait_idle()
    assert [process.pid for process in server.engines()] == before
    assert "Traceback" not in server.log
    assert server.chat("Hi", max_tokens=2).status_code == 200
