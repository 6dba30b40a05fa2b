"""The schema of a call: one of the tools, with arguments that satisfy its own schema."""

import json
from typing import Any

import llguidance
import pytest

from app.domain.schema_guard import check_response_schema
from app.domain.tools import Tool, ToolCall, arguments_of, call_schema

PLACE: dict[str, Any] = {
    "type": "object",
    "properties": {"at": {"$ref": "#/$defs/Point"}},
    "required": ["at"],
    "additionalProperties": False,
    "$defs": {"Point": {"type": "object", "properties": {"x": {"type": "integer"}}}},
}
NOTHING: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
TOOLS = [Tool("go", "", PLACE), Tool("stop", "", NOTHING)]
ANSWER: dict[str, Any] = {"$ref": "#/$defs/A", "$defs": {"A": {"type": "array"}}}


def accepts(schema: dict[str, Any], value: Any) -> bool:
    """Whether the compiler of the engines lets this value through."""
    check_response_schema(schema)
    tokenizer = llguidance.LLTokenizer("byte")
    grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema))
    matcher = llguidance.LLMatcher(tokenizer, grammar)
    tokens = tokenizer.tokenize_str(json.dumps(value))
    return bool(matcher.validate_tokens(tokens) == len(tokens))


def call(name: str, arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


@pytest.mark.parametrize("tools", [TOOLS[:1], TOOLS])
def test_references_still_lead_where_they_did(tools: list[Tool]) -> None:
    schema = call_schema(tools)
    assert accepts(schema, call("go", {"at": {"x": 1}}))
    assert not accepts(schema, call("go", {"at": {"x": "one"}}))
    assert not accepts(schema, call("fly", {"at": {"x": 1}}))


def test_each_tool_has_its_own_arguments() -> None:
    assert accepts(call_schema(TOOLS), call("stop", {}))
    assert not accepts(call_schema(TOOLS), call("stop", {"at": {}}))


def test_an_answer_may_stand_beside_the_tools() -> None:
    schema = call_schema(TOOLS, ANSWER)
    assert accepts(schema, [1, 2])
    assert accepts(schema, call("stop", {}))
    assert not accepts(schema, "text")


def test_arguments_that_are_no_object_stay_a_text() -> None:
    assert arguments_of(ToolCall("1", "f", '{"a": 1}')) == {"a": 1}
    for text in ("[1]", "{", ""):
        assert arguments_of(ToolCall("1", "f", text)) == text
