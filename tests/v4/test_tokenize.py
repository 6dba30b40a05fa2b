"""`POST /api/v4/tokenize` on the scripted engine: what it counts and what it refuses."""

import json
from typing import Any

import httpx
import pytest

from tests.edge.raw_http import RawServer
from tests.support import Server
from tests.torture.cases import NOT_TEXT, ODD_TEXTS
from tests.v4.owners import error

USER = {"role": "user", "content": "one two"}
SYSTEM = {"role": "system", "content": "be kind"}


def tokenize(server: Server, **body: Any) -> httpx.Response:
    return server.http.post("/api/v4/tokenize", json=body)


def counted(server: Server, **body: Any) -> int:
    answer = tokenize(server, **body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert set(told) == {"tokens", "window"}
    assert told["window"] == server.health()["models"]["text"]["context_length"]
    tokens: int = told["tokens"]
    return tokens


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("하나 둘 셋", 3), ("one", 1)])
def test_a_text_is_counted_alone(scripted: Server, text: str, tokens: int) -> None:
    assert counted(scripted, text=text) == tokens
    assert counted(scripted, text=text, messages=None, template=None) == tokens


@pytest.mark.parametrize("head", [[], [SYSTEM], [USER, {"role": "assistant", "content": ""}]])
def test_messages_are_counted_as_a_chat_with_them(scripted: Server, head: list[Any]) -> None:
    messages = [*head, USER]
    chat = scripted.http.post("/api/v3/chat", json={"messages": messages}).json()
    assert counted(scripted, messages=messages) == chat["usage"]["prompt_tokens"]


def test_a_template_stands_before_the_messages(scripted: Server) -> None:
    template = {"template": "sql_assistant", "variables": {"schema": "애완동물(id, 이름)"}}
    chat = scripted.http.post("/api/v3/chat", json={"messages": [USER], **template}).json()
    assert counted(scripted, messages=[USER], **template) == chat["usage"]["prompt_tokens"]
    assert counted(scripted, messages=[USER], template="default") > counted(
        scripted, messages=[USER]
    )


def test_more_than_the_window_is_counted_too(scripted: Server) -> None:
    assert counted(scripted, text="word" + " word" * 99_999) == 100_000


def test_the_model_may_be_named(scripted: Server) -> None:
    assert counted(scripted, text="x", model="scripted") == 1
    assert error(tokenize(scripted, text="x", model="other")) == (404, "not_found", "model")


WRONG: dict[str, tuple[dict[str, Any], int, str | None]] = {
    "neither": ({}, 422, None),
    "both": ({"text": "x", "messages": [USER]}, 422, None),
    "both null": ({"text": None, "messages": None}, 422, None),
    "a text's type": ({"text": 5}, 422, "text"),
    "too long a text": ({"text": "가" * 349_526}, 422, "text"),
    "no messages": ({"messages": []}, 422, "messages"),
    "a system message later": ({"messages": [USER, SYSTEM, USER]}, 422, "messages"),
    "the assistant last": (
        {"messages": [USER, {"role": "assistant", "content": "x"}]}, 422, "messages"
    ),
    "an empty user message": (
        {"messages": [{"role": "user", "content": ""}]}, 422, "messages.0"
    ),
    "a role": ({"messages": [{"role": "evil", "content": "x"}]}, 422, "messages.0.role"),
    "an unknown field": ({"text": "x", "add_special": True}, 422, "add_special"),
    "a template of a text": ({"text": "x", "template": "default"}, 422, "template"),
    "a template and a system message": (
        {"messages": [SYSTEM, USER], "template": "default"}, 422, "template"
    ),
    "variables alone": ({"messages": [USER], "variables": {}}, 422, "variables"),
    "a missing variable": (
        {"messages": [USER], "template": "sql_assistant"}, 422, "variables.schema"
    ),
    "a template of nobody": ({"messages": [USER], "template": "nobody"}, 404, "template"),
    "no template's name": ({"messages": [USER], "template": "../x"}, 422, "template"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_counted_is_refused(scripted: Server, case: str) -> None:
    body, status, param = WRONG[case]
    answer = tokenize(scripted, **body)
    assert (answer.status_code, answer.json()["error"].get("param")) == (status, param)
    assert "not valid here" not in answer.text


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_text_is_counted(scripted: Server, name: str) -> None:
    text = ODD_TEXTS[name]
    # Blanks belong to the word after them; at the end there is none.
    assert counted(scripted, text=text) == len(text.split()) + text[-1:].isspace()


@pytest.mark.parametrize("place", ["text", "template", "model"])
@pytest.mark.parametrize("name", NOT_TEXT)
def test_what_is_no_text_is_refused(scripted_server: Server, place: str, name: str) -> None:
    raw = f'{{"{place}": {NOT_TEXT[name]}}}'.encode()
    answer = RawServer(scripted_server.port).post("/api/v4/tokenize", raw)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "invalid_json")
