"""Tools, their calls and their results as chat templates take them, and what a template is seen
to make of them.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec.structs import replace

from app.domain.messages import Message
from app.domain.tools import Tool, ToolCall, arguments_of

# Some templates refuse ids of another length; a client's own would be text of theirs in a prompt.
ID_LENGTH: Final = 9
_PROBE: Final = Tool("sllm_probe", "probes", {"type": "object", "properties": {}})
_ASKED: Final = (
    Message("user", "hi"),
    Message("assistant", "", calls=(ToolCall("1", _PROBE.name, "{}"),)),
    Message("tool", "sllm-result", answers="1"),
)
_THOUGHTS: Final = "<think>"


class Renders(Protocol):
    """A chat template."""

    def render(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> str: ...


def knows_tools(template: Renders | None, refused: type[Exception]) -> bool:
    """Whether a tool, and what it found out, come to be in the prompt."""
    if template is None:
        return False
    try:
        shown = template.render(contents(_ASKED[:1]), [as_json(_PROBE)])
        told = template.render(contents(_ASKED), [as_json(_PROBE)])
    except refused:
        return False
    return _PROBE.name in shown and told.count(_PROBE.name) > 1 and "sllm-result" in told


def opens_thoughts(template: Renders | None, refused: type[Exception]) -> bool:
    """Whether the prompt ends within the model's thoughts."""
    if template is None:
        return False
    try:
        return template.render(contents(_ASKED[:1])).rstrip().endswith(_THOUGHTS)
    except refused:
        return False


def contents(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages as a template takes them."""
    names = {call.id: call.name for message in messages for call in message.calls}
    return [_content(message, names) for message in messages]


def _content(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    content: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        content["tool_calls"] = [_called(call) for call in message.calls]
    if message.role == "tool":
        content["tool_call_id"] = _short(message.answers)
        content["name"] = names.get(message.answers, "")
    return content


def _called(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": arguments_of(call)}
    return {"id": _short(call.id), "type": "function", "function": function}


def _short(id_: str) -> str:
    return hashlib.sha256(id_.encode()).hexdigest()[:ID_LENGTH]


def as_json(tool: Tool) -> dict[str, Any]:
    """A tool as a template takes it."""
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.parameters
    return {"type": "function", "function": function}


def texts_of(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names of fields included."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each


def call_texts(message: Message) -> Iterator[str]:
    """All that a template may write of a message's calls."""
    for call in message.calls:
        yield call.name
        yield from texts_of(arguments_of(call))


def tool_texts(tools: Sequence[Tool]) -> Iterator[str]:
    """All that a template may write of tools."""
    for tool in tools:
        yield from texts_of(as_json(tool))


def masked_call(call: ToolCall, mask: Callable[[str], str]) -> ToolCall:
    """A call whose every text has gone through `mask`."""
    arguments = mask_json(arguments_of(call), mask)
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(call.id, mask(call.name), text)


def masked_tool(tool: Tool, mask: Callable[[str], str]) -> Tool:
    """The same of a tool."""
    return replace(
        tool,
        name=mask(tool.name),
        description=mask(tool.description),
        parameters=mask_json(tool.parameters, mask),
    )


def mask_json(value: Any, mask: Callable[[str], str]) -> Any:
    """A JSON value with every text masked, names of fields included."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [mask_json(each, mask) for each in value]
    if isinstance(value, dict):
        return {mask(name): mask_json(each, mask) for name, each in value.items()}
    return value
