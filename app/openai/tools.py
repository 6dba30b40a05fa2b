"""From OpenAI's tools and the choice among them to what the model is shown and held to."""

from collections.abc import Sequence
from typing import Any

from app.domain.errors import SllmError
from app.domain.options import ResponseFormat
from app.domain.schema_guard import check_response_schema
from app.domain.tools import Tool, ToolUse, call_schema
from app.openai.fields import no_function
from app.openai.models.tools import AllowedChoice, FunctionTool, NamedChoice, OtherTool, ToolsSchema
from app.openai.services.answers import naming

# What errors about a schema name, wherever it came from.
SCHEMA_PLACES = frozenset({"response_format"})
NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}


def tool_use(body: ToolsSchema) -> ToolUse:
    """Raises SllmError for tools that are no functions, come twice, or are not there."""
    tools = [_tool(each) for each in body.tools or ()]
    if len({tool.name for tool in tools}) != len(tools):
        raise SllmError("invalid_parameter", "tools_twice", param="tools")
    one = body.parallel_tool_calls is False and bool(tools)
    match body.tool_choice:
        case "none":
            return ToolUse()
        case None | "auto":
            return ToolUse(tuple(tools), one=one)
        case "required":
            return ToolUse(_named(tools, [tool.name for tool in tools]), must=True, one=one)
        case NamedChoice():
            return ToolUse(_named(tools, [body.tool_choice.function.name]), must=True, one=True)
        case AllowedChoice(allowed_tools=allowed):
            names = [each.function.name for each in allowed.tools]
            return ToolUse(_named(tools, names), must=allowed.mode == "required", one=one)


def _tool(given: FunctionTool | OtherTool) -> Tool:
    if isinstance(given, OtherTool):
        no_function()
    function = given.function
    return Tool(function.name, function.description or "", function.parameters or NO_ARGUMENTS)


def _named(tools: Sequence[Tool], names: Sequence[str]) -> tuple[Tool, ...]:
    found = tuple(tool for tool in tools if tool.name in names)
    if not found or len(found) < len(set(names)):
        raise SllmError("invalid_parameter", "tool_choice_unknown", param="tool_choice")
    return found


def held_to(use: ToolUse, wanted: ResponseFormat) -> ResponseFormat:
    """The form of the answer: a call where one must come, a call or `wanted` where one may.

    Raises SllmError for schemas that cannot be enforced.
    """
    if use.must:
        return _checked(call_schema(use.tools))
    if not use.tools or wanted.type == "text":
        return wanted
    return _checked(call_schema(use.tools, wanted.schema or {"type": "object"}))


def _checked(schema: dict[str, Any]) -> ResponseFormat:
    with naming("tools", SCHEMA_PLACES):
        check_response_schema(schema)
    return ResponseFormat("json_schema", schema)
