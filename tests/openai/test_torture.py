"""What is meant to break a chat route, against the dialect's: every answer has a right status in
OpenAI's shape, none is a 500, and the engine never dies of it.
"""

import json
from typing import Any

import pytest

from tests.edge.raw_http import RawServer
from tests.openai.chats import CHAT, body_of
from tests.openai.clients.conftest import weights_server
from tests.support import Server
from tests.torture.cases import BAD_SCHEMAS, NOT_TEXT, ODD_TEXTS, json_cases

__all__ = ["weights_server"]
PATHS = (CHAT, "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/conversations")
# Where a text stands in a request; what no text is goes there as it is.
PLACES = {
    "model": '{"model": %s, "messages": [{"role": "user", "content": "x"}]}',
    "content": '{"messages": [{"role": "user", "content": %s}]}',
    "part": '{"messages": [{"role": "user", "content": [{"type": "text", "text": %s}]}]}',
    "url": '{"messages": [{"role": "user", "content": '
    '[{"type": "image_url", "image_url": {"url": %s}}]}]}',
    "tool": '{"messages": [{"role": "user", "content": "x"}], '
    '"tools": [{"type": "function", "function": {"name": "f", "description": %s}}]}',
    "stop": '{"stop": %s, "messages": [{"role": "user", "content": "x"}]}',
}
# Too many tokens, or too many bytes once they are escaped twice.
ODD = (200, 400, 413, 422)


def post(server: Server, path: str, body: bytes) -> int:
    """The status; what is no answer has OpenAI's shape, and does not repeat what was sent."""
    answer = RawServer(server.port).post(path, body, {})
    if answer.status != 200:
        assert set(json.loads(answer.body)["error"]) == {"message", "type", "param", "code"}
        assert len(answer.body) < 4096
    return answer.status


@pytest.mark.parametrize("path", PATHS)
def test_what_is_no_plain_json_is_refused(scripted: Server, path: str) -> None:
    for case in json_cases():
        assert post(scripted, path, case.body) in case.allowed, case.name


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_text_is_refused(scripted: Server, place: str) -> None:
    for name, raw in NOT_TEXT.items():
        assert post(scripted, CHAT, (PLACES[place] % raw).encode()) == 400, name


def said(text: str) -> list[dict[str, Any]]:
    """A text wherever one may stand."""
    function = {"name": "f", "arguments": json.dumps({text[:500]: text})}
    call = {"id": text[:100], "type": "function", "function": function}
    return [
        {"role": "developer", "content": text},
        {"role": "user", "content": [{"type": "text", "text": text}]},
        {"role": "assistant", "content": text, "tool_calls": [call]},
        {"role": "tool", "content": text, "tool_call_id": text[:100]},
    ]


def tool(parameters: Any, text: str = "x") -> list[dict[str, Any]]:
    function = {"name": "f", "description": text, "parameters": parameters}
    return [{"type": "function", "function": function}]


def test_odd_texts_are_texts(scripted: Server) -> None:
    for name, text in ODD_TEXTS.items():
        body = body_of(said(text), tools=tool({"properties": {text[:500]: {}}}, text))
        assert post(scripted, CHAT, json.dumps(body).encode()) in ODD, name


@pytest.mark.parametrize(
    "fields", [{"tool_choice": "required"}, {"response_format": {"type": "json_object"}}]
)
def test_schemas_that_no_engine_must_see_are_refused(
    scripted: Server, fields: dict[str, Any]
) -> None:
    for name, schema in BAD_SCHEMAS.items():
        if name == "impossible" and "response_format" in fields:
            continue  # a call that cannot be is never chosen
        body = body_of("hi", tools=tool(schema), **fields)
        assert post(scripted, CHAT, json.dumps(body).encode()) == 400, name


@pytest.mark.weights
def test_real_weights_survive_it(weights_server: Server) -> None:
    model = weights_server.health()["models"]["text"]["id"]
    before = [process.pid for process in weights_server.engines()]
    bodies = [body_of("hi", tools=tool(schema)) for schema in BAD_SCHEMAS.values()]
    bodies += [body_of(said(text), tools=tool({}, text)) for text in ODD_TEXTS.values()]
    for body in bodies:
        sent = json.dumps(body | {"model": model, "max_tokens": 1}).encode()
        assert post(weights_server, CHAT, sent) in ODD
    assert [process.pid for process in weights_server.engines()] == before
    assert "Traceback" not in weights_server.log
