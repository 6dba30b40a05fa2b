"""Tools in chat completions: offered, called, answered, demanded."""

import json
from typing import Any

from tests.openai.chats import CALL, WEATHER, chat, message_of, streamed
from tests.support import Server

ASKED: dict[str, Any] = {"role": "user", "content": "How is the weather in Seoul?"}
CALLED: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city": "Seoul"}'},
        }
    ],
}
FOUND: dict[str, Any] = {"role": "tool", "tool_call_id": "call_1", "content": "Rain, 12 degrees"}


def call_of(told: dict[str, Any]) -> dict[str, Any]:
    """The only call of an answer."""
    [call] = message_of(told)["tool_calls"]
    assert told["choices"][0]["finish_reason"] == "tool_calls"
    function: dict[str, Any] = call["function"]
    return function


def test_a_call_is_told_apart_from_words(scripted: Server) -> None:
    told = chat(scripted, f"#answer=I look.\n{CALL}", tools=[WEATHER])
    assert call_of(told)["name"] == "get_weather"
    assert json.loads(call_of(told)["arguments"]) == {"city": "Seoul"}
    assert message_of(told)["content"].strip() == "I look."


def test_without_words_the_content_is_null(scripted: Server) -> None:
    assert message_of(chat(scripted, f"#answer={CALL}", tools=[WEATHER]))["content"] is None


def test_the_result_goes_back_to_the_model(scripted: Server) -> None:
    told = chat(scripted, [ASKED, CALLED, FOUND], tools=[WEATHER])
    assert message_of(told)["content"] == "You said: Rain, 12 degrees"


def test_several_calls_are_several(scripted: Server) -> None:
    told = chat(scripted, f"#answer={CALL}\n{CALL}", tools=[WEATHER])
    calls = message_of(told)["tool_calls"]
    assert len({call["id"] for call in calls}) == 2


def test_one_at_most_where_that_is_asked(scripted: Server) -> None:
    asked: dict[str, Any] = {"tools": [WEATHER], "parallel_tool_calls": False}
    call_of(chat(scripted, f"#answer={CALL}\n{CALL}", **asked))
    begun = [
        call
        for chunk in streamed(scripted, f"#answer={CALL}\n{CALL}", **asked)
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", ())
        if "id" in call
    ]
    assert len(begun) == 1


def test_no_tools_no_calls(scripted: Server) -> None:
    asked: list[dict[str, Any]] = [{}, {"tools": [WEATHER], "tool_choice": "none"}]
    for fields in asked:
        told = chat(scripted, f"#answer={CALL}", **fields)
        assert message_of(told)["content"] == CALL
        assert told["choices"][0]["finish_reason"] == "stop"


def test_only_allowed_tools_are_called(scripted: Server) -> None:
    allowed = {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "auto",
            "tools": [{"type": "function", "function": {"name": "get_time"}}],
        },
    }
    time = {"type": "function", "function": {"name": "get_time"}}
    told = chat(scripted, f"#answer={CALL}", tools=[WEATHER, time], tool_choice=allowed)
    assert "tool_calls" not in message_of(told)


def test_results_stay_with_their_question_when_the_rest_is_cut(scripted: Server) -> None:
    words = "word " * 400
    old = [{"role": "user", "content": words}, {"role": "assistant", "content": "ok"}]
    said: list[dict[str, Any]] = [
        *old * 12,
        {"role": "user", "content": "the question"},
        CALLED,
        FOUND,
    ]
    shown = {**FOUND, "content": "#show=1"}
    told = chat(scripted, [*said[:-1], shown], tools=[WEATHER], context_policy="drop_oldest")
    assert message_of(told)["content"].endswith("[user: the question][assistant: ][tool: #show=1]")
