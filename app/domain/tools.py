"""Tools that a client offers to a model, the model's calls of them, and the schema of a call."""

import json
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

# Where a schema inside another one stands is part of its references.
REFERENCE: Final = "$ref"


class Tool(Struct, frozen=True):
    """A function of the client; `parameters` is the JSON Schema of its arguments, an object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}


class ToolCall(Struct, frozen=True):
    """A model's wish; `arguments` is the text of a JSON object, as the model wrote it."""

    id: str
    name: str
    arguments: str


class ToolUse(Struct, frozen=True):
    """The tools of one request. `must`: the answer is a call of one of them. `one`: at most one
    call in an answer."""

    tools: tuple[Tool, ...] = ()
    must: bool = False
    one: bool = False


def call_schema(tools: Sequence[Tool], otherwise: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON Schema of one call of one of `tools`, or else of `otherwise`."""
    count = len(tools) + (otherwise is not None)
    choices = [_call(tool, "#" if count == 1 else f"#/anyOf/{n}") for n, tool in enumerate(tools)]
    if otherwise is not None:
        choices.append(moved(otherwise, f"#/anyOf/{len(tools)}"))
    return choices[0] if count == 1 else {"anyOf": choices}


def _call(tool: Tool, place: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string", "enum": [tool.name]},
            "arguments": moved(tool.parameters, place + "/properties/arguments"),
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def moved(schema: Any, place: str) -> Any:
    """`schema` as it reads at `place` (a JSON pointer) of another one."""
    if isinstance(schema, list):
        return [moved(each, place) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: moved(value, place) for name, value in schema.items()}
    target = schema.get(REFERENCE)
    if isinstance(target, str) and target.startswith("#"):
        found[REFERENCE] = place + target[1:]
    return found


def arguments_of(call: ToolCall) -> Any:
    """The arguments as templates want them: an object; a text that is none stays a text."""
    try:
        value = json.loads(call.arguments)
    except (ValueError, RecursionError):
        return call.arguments
    return value if isinstance(value, dict) else call.arguments
