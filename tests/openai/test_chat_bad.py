"""Requests to `/v1/chat/completions` that can never work: each names its field."""

from typing import Any

import pytest

from tests.openai.chats import CHAT, WEATHER, body_of, refusal
from tests.support import Server

UNSUPPORTED: list[tuple[str, Any]] = [
    ("logit_bias", {"50256": -100}),
    ("audio", {"voice": "alloy", "format": "wav"}),
    ("modalities", ["text", "audio"]),
    ("verbosity", "high"),
    ("web_search_options", {}),
    ("moderation", {"model": "omni-moderation-latest"}),
    ("functions", [{"name": "f"}]),
    ("function_call", "auto"),
    ("tools", [{"type": "custom", "custom": {"name": "f"}}]),
]


@pytest.mark.parametrize(("name", "value"), UNSUPPORTED)
def test_what_no_engine_can_do_is_said(scripted: Server, name: str, value: Any) -> None:
    answer = scripted.http.post(CHAT, json=body_of("hi", **{name: value}))
    assert refusal(answer) == (400, "unsupported_by_engine", name)


def test_tools_as_such_are_not_said_to_be_unsupported(scripted: Server) -> None:
    custom = {"type": "custom", "custom": {"name": "f"}}
    answer = scripted.http.post(CHAT, json=body_of("hi", tools=[custom]))
    assert "type function" in answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["input_audio", "file"])
def test_parts_that_no_model_takes_are_named(scripted: Server, kind: str) -> None:
    said = [{"role": "user", "content": [{"type": kind, kind: {"data": "x"}}]}]
    assert refusal(scripted.http.post(CHAT, json=body_of(said))) == (
        400,
        "unsupported_by_engine",
        kind,
    )


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"nobody_knows": 1}, "nobody_knows"),
    ({"n": 0}, "n"),
    ({"n": 1_000_000}, "n"),
    ({"temperature": 3}, "temperature"),
    ({"temperature": "1"}, "temperature"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"stop": [""]}, "stop.0"),
    ({"stop": 5}, "stop"),
    ({"top_logprobs": 21, "logprobs": True}, "top_logprobs"),
    ({"top_logprobs": 2}, "top_logprobs"),
    ({"seed": 2**63}, "seed"),
    ({"stream_options": {"x": 1}}, "stream_options.x"),
    ({"tools": [{"type": "function"}]}, "tools.0.function"),
    ({"tools": [{"type": "zzz"}]}, "tools.0"),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools.0.function.name"),
    ({"tool_choice": "sometimes"}, "tool_choice"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"messages": []}, "messages"),
    ({"messages": None}, "messages"),
    ({"messages": ["hi"]}, "messages.0"),
    ({"messages": [{"role": "evil", "content": "hi"}]}, "messages.0"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": []}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": [{"type": "x"}]}]}, "messages.0.content.0"),
    ({"messages": [{"role": "user", "content": "hi", "x": 1}]}, "messages.0.x"),
    ({"messages": [{"role": "assistant", "content": "hi"}]}, "messages"),
    ({"messages": [{"role": "tool", "tool_call_id": "c", "content": "hi"}]}, "messages"),
]


@pytest.mark.parametrize(("fields", "place"), INVALID)
def test_what_does_not_fit_the_schema_is_named(
    scripted: Server, fields: dict[str, Any], place: str
) -> None:
    answer = scripted.http.post(CHAT, json=body_of("hi") | fields)
    assert refusal(answer) == (422, "invalid_request", place)


OTHER_TOOL = {"type": "function", "function": {"name": "f"}}
BROKEN = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "zzz"}}}
BROKEN_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"pattern": "(("}}}
IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"tools": [WEATHER, WEATHER]}, "tools"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tools": [WEATHER], "tool_choice": OTHER_TOOL}, "tool_choice"),
    ({"response_format": BROKEN}, "response_format"),
    ({"tools": [BROKEN_TOOL], "tool_choice": "required"}, "tools"),
]


@pytest.mark.parametrize(("fields", "place"), IMPOSSIBLE)
def test_what_contradicts_itself_is_named(
    scripted: Server, fields: dict[str, Any], place: str
) -> None:
    answer = scripted.http.post(CHAT, json=body_of("hi", **fields))
    assert refusal(answer) == (400, "invalid_parameter", place)
    words = answer.json()["error"]["message"]
    assert place == "response_format" or "response_format" not in words


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", "invalid_json"), (b'{"model": "\\ud800"}', "invalid_json"), (b"", "invalid_json")],
)
def test_bodies_are_read_strictly(scripted: Server, body: bytes, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = scripted.http.post(CHAT, content=body, headers=headers)
    assert refusal(answer)[:2] == (400, code)


def test_korean_is_answered_in_korean(scripted: Server) -> None:
    headers = {"Accept-Language": "ko"}
    answer = scripted.http.post(CHAT, json=body_of("hi", verbosity="low"), headers=headers)
    assert "지원하지 않습니다" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "place", "words"),
    [
        (body_of("hi", n=0, temperature=3), "temperature", "Must be at most 2"),
        ([], None, "JSON object"),
    ],
)
def test_the_first_of_several_faults_is_told(
    scripted: Server, body: Any, place: str | None, words: str
) -> None:
    """OpenAI's shape has no list of them to look at."""
    answer = scripted.http.post(CHAT, json=body)
    assert refusal(answer) == (422, "invalid_request", place)
    assert words in answer.json()["error"]["message"]
    assert "details" not in answer.json()["error"]["message"]
