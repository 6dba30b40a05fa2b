"""Responses on real weights: a text that is continued, a schema that is kept to, and a call."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openai.kept import WEATHER, begin, get, kinds, respond, streamed, text_of
from tests.support import Server, running
from tests.v4.support import branch, say

pytestmark = pytest.mark.weights
PLACE = {
    "format": {
        "type": "json_schema",
        "name": "place",
        "schema": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
            "additionalProperties": False,
        },
    }
}


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory, qwen_int8: Path) -> Iterator[Server]:
    """A server on Qwen2.5-Coder, whose chat template knows tools."""
    settings = {"SLLM_MODEL_PATH": str(qwen_int8), "CONTEXT_LENGTH": "2048"}
    with running(tmp_path_factory.mktemp("qwen"), settings) as server:
        yield server


def test_a_response_and_the_next_one(smollm2_server: Server) -> None:
    http = smollm2_server.http
    first = respond(http, "Say hello.", temperature=0, max_output_tokens=16)
    assert text_of(first)
    events = streamed(
        http, "Again.", previous_response_id=first["id"], temperature=0, max_output_tokens=16
    )
    whole = events[-1]["response"]
    assert text_of(whole) == "".join(event.get("delta", "") for event in events)
    assert whole["usage"]["input_tokens_details"]["cached_tokens"] > 0
    assert get(http, f"responses/{whole['id']}") == whole
    assert len(branch(smollm2_server, first["conversation"]["id"])) == 4


def test_a_schema_is_kept_to(smollm2_server: Server) -> None:
    answer = respond(
        smollm2_server.http, "Where is the Eiffel tower?", text=PLACE, max_output_tokens=64
    )
    assert set(json.loads(text_of(answer))) == {"city"}


def test_weights_without_tools_say_so(smollm2_server: Server) -> None:
    error = respond(smollm2_server.http, "hi", tools=[WEATHER], expect=400)["error"]
    assert (error["code"], error["param"]) == ("unsupported_by_engine", "tools")


def test_weights_without_tools_are_told_in_words(smollm2_server: Server) -> None:
    """A conversation outlives the model that it was begun with."""
    http = smollm2_server.http
    id_ = begin(
        http,
        {"role": "user", "content": "What is the weather in Seoul?"},
        {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "Rain"},
    )
    answer = respond(http, conversation=id_, max_output_tokens=8)
    assert text_of(answer)
    again = respond(http, "Thanks!", conversation=id_, max_output_tokens=8)
    assert again["usage"]["input_tokens"] > answer["usage"]["input_tokens"]
    assert say(smollm2_server, "Bye!", conversation_id=id_, max_tokens=8)["response"]


def test_a_call_and_what_comes_of_it(calling: Server) -> None:
    events = streamed(
        calling.http,
        "What is the weather in Seoul?",
        tools=[WEATHER],
        tool_choice="required",
        temperature=0,
    )
    whole = events[-1]["response"]
    [call] = whole["output"]
    assert "function_call_arguments.delta" in kinds(events)
    assert set(json.loads(call["arguments"])) == {"city"}
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "Rain, 7 °C"}
    answer = respond(
        calling.http,
        [result],
        previous_response_id=whole["id"],
        temperature=0,
        max_output_tokens=40,
    )
    assert text_of(answer)
    id_ = whole["conversation"]["id"]
    assert say(calling, "Thanks!", conversation_id=id_, max_tokens=8)["response"]
