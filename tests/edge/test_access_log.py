"""The access log: one line per request, which no request can forge."""

import logging
import re

import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from app.edge.access_log import AccessLog
from app.logs.formats import LineFormatter
from tests.edge.small_app import small_app


def test_no_line_can_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sllm.access")
    caplog.handler.setFormatter(LineFormatter())
    path = "/a%0d%0aFAKE%1b[31m?secret=hunter2"
    with TestClient(small_app(), base_url="http://localhost") as client:
        client.get(path, headers={"X-Request-ID": "my-id"})
    [record] = [record for record in caplog.records if record.name == "sllm.access"]
    line = record.getMessage()
    assert re.fullmatch(r"GET /a%0d%0aFAKE%1b(%5B|\[)31m 404 [0-9.]+ms", line, re.IGNORECASE)
    assert caplog.text.count("my-id") == 1


async def test_a_client_that_left_is_499(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sllm.access")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert (await receive())["type"] == "http.disconnect"

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pass

    scope = {"type": "http", "method": "GET", "path": "/\n\x1b", "headers": []}
    await AccessLog(app)(scope, receive, send)
    assert caplog.records[-1].getMessage().startswith("GET /\\x0a\\x1b 499 ")


@pytest.mark.parametrize("char", ["\n", "\r", "\x1b", "\0", "\u2028", "\x85", "\x9b"])
def test_records_stay_on_one_line(char: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "a%sb", (char,), None)
    line = LineFormatter().format(record)
    assert char not in line
    assert len(line.splitlines()) == 1


def test_long_records_are_cut() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", ("y" * 1_000_000,), None)
    assert len(LineFormatter().format(record)) < 3_000
