"""Chats of v3 with a template and without, on the scripted engine."""

import json
from typing import Any

import httpx
import pytest

from app.v3.models.chat import TemplateChatRequest
from app.v3.prompts import BUILTIN
from tests.edge.raw_http import RawServer
from tests.support import Server, sse
from tests.torture.cases import NOT_TEXT, ODD_TEXT, ODD_TEXTS, Case, all_cases

SQL = {"template": "sql_assistant", "variables": {"schema": "pet(id, name)"}}
ROUTES = ("/api/v3/chat", "/api/v3/chat/stream")


def chat(server: Server, message: str, **fields: Any) -> httpx.Response:
    return server.http.post("/api/v3/chat", json={"message": message, **fields})


def rendered(server: Server, name: str, variables: dict[str, Any]) -> dict[str, Any]:
    path = f"/api/v3/prompt/templates/{name}/render"
    answer = server.http.post(path, json={"variables": variables})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_without_template_it_is_a_chat_of_v2(scripted: Server) -> None:
    ours, theirs = chat(scripted, "Hello there").json(), scripted.chat("Hello there").json()
    assert ours.keys() == theirs.keys()
    assert ours["response"] == theirs["response"] == "You said: Hello there"
    assert ours["usage"]["prompt_tokens"] == theirs["usage"]["prompt_tokens"]
    assert chat(scripted, "x", template=None, variables=None, system_prompt="y").status_code == 200


@pytest.mark.parametrize("name", BUILTIN)
def test_the_template_is_what_its_preview_shows(scripted: Server, name: str) -> None:
    variables = SQL["variables"] if name == "sql_assistant" else {}
    head = rendered(scripted, name, variables)["messages"]  # type: ignore[arg-type]
    body = chat(scripted, "Hello there", template=name, variables=variables).json()
    spelled_out = [*head, {"role": "user", "content": "Hello there"}]
    same = scripted.http.post("/api/v2/chat", json={"messages": spelled_out}).json()
    assert body["response"] == "You said: Hello there"
    assert body["usage"]["prompt_tokens"] == same["usage"]["prompt_tokens"]
    assert body["usage"]["cached_tokens"] > 0 or name == next(iter(BUILTIN))


def test_both_forms_of_a_conversation_take_a_template(scripted: Server) -> None:
    turns = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    ours = chat(scripted, "three", history=turns, **SQL).json()
    habit = {"messages": [*turns, {"role": "user", "content": "three"}], **SQL}
    theirs = scripted.http.post("/api/v3/chat", json=habit).json()
    assert ours["usage"]["prompt_tokens"] == theirs["usage"]["prompt_tokens"]
    assert ours["response"] == theirs["response"]


def test_a_stream_takes_a_template(scripted: Server) -> None:
    body = {"message": "Hello there", **SQL}
    with scripted.http.stream("POST", "/api/v3/chat/stream", json=body) as response:
        assert response.status_code == 200
        stream = list(sse(response.iter_lines()))
    assert [name for name, _ in stream] == ["start", *["token"] * 4, "done"]
    whole = scripted.http.post("/api/v3/chat", json=body).json()
    assert stream[-1][1]["usage"]["prompt_tokens"] == whole["usage"]["prompt_tokens"]


def test_the_template_s_options_are_defaults(scripted: Server) -> None:
    long = "#words=2000"
    assert (
        chat(scripted, long, template="therapy_assistant").json()["usage"]["completion_tokens"]
        == BUILTIN["therapy_assistant"].options["max_tokens"]
    )
    ours = chat(scripted, long, template="therapy_assistant", max_tokens=7).json()
    assert ours["usage"]["completion_tokens"] == 7


def test_the_request_s_own_options_win() -> None:
    body = TemplateChatRequest.model_validate(
        {"message": "x", "template": "t", "temperature": 0.0, "stop": ["own"], "max_tokens": None}
    )
    defaults = {
        "temperature": 1, "top_p": 0.5, "stop": ["its"], "max_tokens": 9,
        "context_policy": "error", "response_format": {"type": "json_object"},
    }  # fmt: skip
    merged = body.with_defaults(defaults)
    options = merged.to_options(default_max_tokens=512)
    assert (options.temperature, options.top_p, options.stop) == (0.0, 0.5, ("own",))
    assert (options.max_tokens, options.response_format.type) == (9, "json_object")
    assert merged.context_policy == "error"
    assert (merged.message, merged.template) == ("x", "t")


def test_what_must_be_cut_is_history_never_the_template(scripted: Server) -> None:
    history = [
        {"role": role, "content": "word " * 500}
        for _ in range(10)
        for role in ("user", "assistant")
    ]
    head = rendered(scripted, "therapy_assistant", {})
    body = chat(scripted, "newest", template="therapy_assistant", history=history).json()
    kept = 20 - body["context"]["dropped_messages"]
    assert 0 < kept < 20
    assert body["context"]["prompt_tokens"] == head["prompt_tokens"] + kept * 502 + 1
    refused = chat(
        scripted, "newest", history=history, context_policy="error", template="therapy_assistant"
    )
    assert refused.json()["error"]["code"] == "context_length_exceeded"


def test_template_and_message_that_do_not_fit_are_refused(scripted: Server) -> None:
    answer = chat(scripted, "x", template="sql_assistant", variables={"schema": "word " * 5000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context_length_exceeded")


SYSTEM_FIRST = [{"role": "system", "content": "s"}, {"role": "user", "content": "x"}]
WRONG = {
    "a system prompt beside it": (
        {"message": "x", "system_prompt": "s", "template": "default"}, 422, "template"
    ),
    "a system message beside it": (
        {"messages": SYSTEM_FIRST, "template": "default"}, 422, "template"
    ),
    "variables of nothing": ({"message": "x", "variables": {"a": 1}}, 422, "variables"),
    "no variables of nothing": ({"message": "x", "variables": {}}, 422, "variables"),
    "variables of null": (
        {"message": "x", "template": None, "variables": {"a": 1}}, 422, "variables"
    ),
    "an unknown name": ({"message": "x", "template": "nobody"}, 404, "template"),
    "a malformed name": ({"message": "x", "template": "../default"}, 422, "template"),
    "a capital": ({"message": "x", "template": "Default"}, 422, "template"),
    "a line break": ({"message": "x", "template": "default\n"}, 422, "template"),
    "a long name": ({"message": "x", "template": "a" * 65}, 422, "template"),
    "no name": ({"message": "x", "template": ""}, 422, "template"),
    "a number": ({"message": "x", "template": 5}, 422, "template"),
    "a malformed name and variables": (
        {"message": "x", "template": "Default", "variables": {}}, 422, "template"
    ),
}  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_go_together_is_refused(scripted: Server, route: str, case: str) -> None:
    body, status, param = WRONG[case]
    answer = scripted.http.post(route, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param), error
    assert "validation_" not in answer.text


def test_an_empty_system_prompt_is_none(scripted: Server) -> None:
    assert chat(scripted, "x", template="default", system_prompt="").status_code == 200


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_text_as_a_variable_is_text_or_too_long(scripted: Server, name: str) -> None:
    value = ODD_TEXTS[name]
    answer = chat(scripted, "x", template="sql_assistant", variables={"schema": value})
    if len(value.encode()) > 64 * 1024:
        assert (answer.status_code, answer.json()["error"]["param"]) == (422, "variables")
        return
    assert answer.status_code in ODD_TEXT
    messages = rendered(scripted, "sql_assistant", {"schema": value})["messages"]
    assert value in messages[0]["content"]


@pytest.mark.parametrize("place", ["template", "variables.schema", "variables.other"])
@pytest.mark.parametrize("name", NOT_TEXT)
def test_what_is_no_text_is_refused(scripted_server: Server, place: str, name: str) -> None:
    raw = NOT_TEXT[name]
    named = f'"template": {raw}' if place == "template" else (
        f'"template": "sql_assistant", "variables": {{"{place.split(".")[1]}": {raw}}}'
    )  # fmt: skip
    body = ('{"message": "x", ' + named + "}").encode()
    for route in ROUTES:
        answer = RawServer(scripted_server.port).post(route, body)
        assert answer.status == 400
        assert json.loads(answer.body)["error"]["code"] == "invalid_json"


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name[:60])
def test_the_torture_list(scripted_server: Server, case: Case) -> None:
    answer = RawServer(scripted_server.port).post(ROUTES[0], case.body, case.headers)
    allowed = case.allowed | {404} if b'"model"' in case.body else case.allowed
    assert answer.status in allowed, answer.body[:300]


def test_nothing_is_left_behind(scripted: Server) -> None:
    """Runs after the list: the fixture looks at slots, engine and log."""
