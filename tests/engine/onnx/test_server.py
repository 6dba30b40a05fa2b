"""The whole server on ONNX weights: what a client sees, and that a slot comes back."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Server, events, running

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def server(smollm2_int8: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "SLLM_MODEL_PATH": str(smollm2_int8),
        "CONTEXT_LENGTH": "1024",
        "PARALLEL_SLOTS": "4",
    }
    with running(tmp_path_factory.mktemp("onnx"), settings) as started:
        yield started


def test_health_tells_what_runs(server: Server) -> None:
    text = server.health()["models"]["text"]
    assert (text["format"], text["device"], text["status"]) == ("onnx", "cpu", "ready")
    assert text["slots"] == {"total": 4, "busy": 0}


def test_a_stream_and_an_answer_say_the_same(server: Server) -> None:
    question = "What is two and two?"
    answer = server.chat(question, temperature=0, max_tokens=20).json()
    told = events(server, question, temperature=0, max_tokens=20)
    assert [name for name, _ in told[:1]] == ["start"]
    assert "".join(data["text"] for name, data in told if name == "token") == answer["response"]
    assert told[-1][0] == "done"
    assert told[-1][1]["usage"]["completion_tokens"] == answer["usage"]["completion_tokens"]


def test_a_schema_is_kept_through_http(server: Server) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 100}},
        "required": ["n"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    response = server.chat("A number, please.", response_format=form, max_tokens=60, seed=1)
    assert set(json.loads(response.json()["response"])) == {"n"}


def test_a_client_that_leaves_frees_its_slot(server: Server) -> None:
    body = {"message": "Count to one thousand.", "max_tokens": 900, "temperature": 0}
    with server.http.stream("POST", "/api/v2/chat/stream", json=body) as response:
        for line in response.iter_lines():
            if line.startswith("event: token"):
                break
    server.wait_idle()
    assert server.chat("Hi", max_tokens=4).status_code == 200


def test_more_clients_than_slots_are_all_answered(server: Server) -> None:
    answers: list[int] = []

    def ask() -> None:
        answers.append(server.chat("Name a colour.", max_tokens=8).status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    server.wait_idle()
