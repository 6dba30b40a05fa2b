"""A line is a line, with the request's id and without secrets, in both shapes and all processes."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from app.logs.formats import JsonFormatter, LineFormatter
from app.logs.masking import MASK, mask
from app.logs.setup import configuration
from tests.support import running


def record(text: str, *values: object, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("sllm.test", logging.INFO, "file.py", 1, text, values, None)
    vars(made).update(more)
    return made


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("postgresql://sllm:hunter22@db/sllm", "postgresql://sllm:***@db/sllm"),
        ("Authorization: Bearer abcdefgh123", "Authorization: Bearer ***"),
        ("password=hunter22; next", "password=***; next"),
        ("key sllm_abcdefghijklmnopqrstuvwx", "key ***"),
        ("nothing secret", "nothing secret"),
    ],
)
def test_secrets_are_blotted_out(text: str, kept: str) -> None:
    assert mask(text) == kept


def test_control_characters_forge_no_line() -> None:
    forged = "a\nERROR forged \x1b[31m\u2028"
    for formatter in (LineFormatter(), JsonFormatter()):
        line = formatter.format(record("%s", forged))
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line


def test_json_has_fields_beside_the_message() -> None:
    line = JsonFormatter().format(record("done", fields={"status": 200}))
    body = json.loads(line)
    assert (body["message"], body["status"], body["level"]) == ("done", 200, "info")
    assert MASK not in line


def test_every_process_writes_json(tmp_path: Path) -> None:
    settings = {"SLLM_MODEL_PATH": "scripted", "LOG_FORMAT": "json"}
    with running(tmp_path, settings, "--no-access-log") as server:
        answer = server.chat("xylophone-secret")
        path = "/api/v2/chat"
        server.wait_until(lambda: path in server.log)
    lines = [line for line in server.log.splitlines() if line.startswith("{")]
    bodies = [json.loads(line) for line in lines]
    (access,) = [body for body in bodies if body.get("path") == path]
    assert access["request_id"] == answer.headers["x-request-id"]
    assert (access["method"], access["status"]) == ("POST", 200)
    assert "xylophone" not in server.log


CANARY = "Zanzibarquux"


def test_libraries_do_not_tell_what_users_said(tmp_path: Path) -> None:
    settings = {"SLLM_MODEL_PATH": "scripted", "LOG_LEVEL": "debug", "LOG_FORMAT": "json"}
    body = {"message": CANARY, "title": CANARY, "metadata": {CANARY: CANARY}}
    with running(tmp_path, settings) as server:
        assert server.http.post("/api/v4/chat", json=body).status_code == 200
        server.http.get("/api/v4/conversations", params={"q": CANARY})
    assert '"logger": "sllm.access"' in server.log
    assert CANARY not in server.log


def test_levels_are_for_our_own_records() -> None:
    debug = configuration("debug", "text")
    assert debug["root"]["level"] == logging.WARNING
    assert debug["loggers"]["app"]["level"] == logging.DEBUG
    quiet = configuration("critical", "text")
    assert (quiet["root"]["level"], quiet["loggers"]["sllm"]["level"]) == (logging.CRITICAL,) * 2
