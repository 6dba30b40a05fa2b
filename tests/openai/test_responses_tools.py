"""Calls of functions and their results: asked for, kept, shown by v4, exported and imported."""

import json
from typing import Any

from tests.openai.kept import CALL, WEATHER, begin, fault, get, respond, text_of, told
from tests.support import Server
from tests.v4.support import again, branch, say
from tests.v4.transfers import brought, taken


def called(server: Server, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A response that is a call, and the call."""
    answer = respond(server.http, CALL, tools=[WEATHER], **fields)
    [call] = answer["output"]
    assert (call["type"], call["name"]) == ("function_call", "get_weather")
    assert json.loads(call["arguments"]) == {"city": "Seoul"}
    return answer, call


def result(call: dict[str, Any], output: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call["call_id"], "output": output}


def test_a_result_goes_on_after_its_call(scripted: Server) -> None:
    first, call = called(scripted)
    answer = respond(
        scripted.http,
        [result(call, "sunny #show=1")],
        previous_response_id=first["id"],
        tools=[WEATHER],
    )
    assert text_of(answer) == f"[user: {CALL}][assistant: ][tool: sunny #show=1]"
    assert told(scripted.http, answer["conversation"]["id"])[1:3] == [
        ("call", 'get_weather({"city": "Seoul"})'),
        ("result", "sunny #show=1"),
    ]
    assert answer["tools"][0]["name"] == "get_weather"


def test_v4_shows_calls_and_results_and_goes_on(scripted: Server) -> None:
    first, call = called(scripted)
    id_ = first["conversation"]["id"]
    listed = scripted.http.get("/api/v4/conversations", params={"q": "get_weather"}).json()
    assert id_ in [item["id"] for item in listed["items"]]
    respond(scripted.http, [result(call, "sunny")], conversation=id_)
    assert branch(scripted, id_)[1:3] == [
        ("assistant", 'get_weather({"city": "Seoul"})', "complete"),
        ("user", "sunny", "complete"),
    ]
    more = say(scripted, "#show=1", conversation_id=id_)
    assert "[assistant: ][tool: sunny][assistant: You said: sunny]" in more["response"]
    answered = again(scripted, id_, first["id"].replace("resp", "msg"))
    assert answered.status_code == 200


def test_calls_and_results_are_exported_and_imported(scripted: Server) -> None:
    first, call = called(scripted)
    id_ = first["conversation"]["id"]
    respond(scripted.http, [result(call, "sunny")], conversation=id_)
    exported = taken(scripted.http, id_)
    assert [("parts" in message) for message in exported["messages"]] == [False, True, True, False]
    [copy] = brought(scripted.http, exported)
    assert told(scripted.http, copy) == told(scripted.http, id_)
    assert branch(scripted, copy) == branch(scripted, id_)
    text = scripted.http.get(
        f"/api/v4/conversations/{id_}/export", params={"format": "markdown"}
    ).text
    assert 'get_weather({"city": "Seoul"})' in text


def test_a_whole_exchange_without_anything_kept(scripted: Server) -> None:
    first, call = called(scripted, store=False)
    given = [{"role": "user", "content": "weather?"}, *first["output"], result(call, "wet #show=1")]
    answer = respond(scripted.http, given, store=False, tools=[WEATHER])
    assert text_of(answer) == "[user: weather?][assistant: ][tool: wet #show=1]"


def test_what_is_thought_said_and_called_in_a_row_is_one_message(scripted: Server) -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
    call = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"}
    id_ = begin(
        scripted.http,
        {"role": "user", "content": "one"},
        thought,
        {"role": "assistant", "content": "Let me see."},
        call,
        call | {"call_id": "c2"},
        result({"call_id": "c1"}, [{"type": "input_text", "text": "wet"}]),
    )
    assert told(scripted.http, id_) == [
        ("user", "one"),
        ("thought", "Hm."),
        ("assistant", "Let me see."),
        ("call", "get_weather({})"),
        ("call", "get_weather({})"),
        ("result", "wet"),
    ]
    assert [content for _, content, _ in branch(scripted, id_)] == [
        "one",
        "Let me see.\n\nget_weather({})\n\nget_weather({})",
        "wet",
    ]
    [copy] = brought(scripted.http, taken(scripted.http, id_))
    assert told(scripted.http, copy) == told(scripted.http, id_)


def test_a_result_needs_a_call_before_it(scripted: Server) -> None:
    body = {"input": [result({"call_id": "never"}, "sunny")]}
    assert fault(scripted.http.post("/v1/responses", json=body)) == (
        400,
        "invalid_parameter",
        "input",
    )


def test_a_call_that_must_come(scripted: Server) -> None:
    for choice in (
        "required",
        {"type": "function", "name": "get_weather"},
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "get_weather"}],
        },
    ):
        answer, _ = called(scripted, tool_choice=choice)
        assert answer["tool_choice"] == choice
        assert get(scripted.http, f"responses/{answer['id']}") == answer
    answer = respond(scripted.http, CALL, tools=[WEATHER], tool_choice="none")
    assert answer["output"][0]["type"] == "message"


def test_tools_that_are_no_functions(scripted: Server) -> None:
    body = {"input": "hi", "tools": [{"type": "web_search"}]}
    assert fault(scripted.http.post("/v1/responses", json=body)) == (
        400,
        "unsupported_by_engine",
        "tools",
    )
