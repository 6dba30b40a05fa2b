"""What chat templates are seen to do with tools and thoughts, without weights."""

import pytest

from app.domain.messages import Message
from app.domain.tools import Tool, ToolCall
from app.engine.backends.chat_prompt import TemplateRefused
from app.engine.backends.tool_prompt import as_json, contents, knows_tools, opens_thoughts
from app.engine.onnx.chat_template import ChatTemplate

PLAIN = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
TOOLS = "{% if tools %}{{ tools | tojson }}{% endif %}"
CALLS = (
    "{% for m in messages %}{{ m.content }}{{ m.tool_calls | default([]) | tojson }}{% endfor %}"
)
REFUSES = "{% if tools %}{{ raise_exception('no tools') }}{% endif %}" + TOOLS + CALLS
SHORT_IDS = """{% for m in messages %}{% if m.role == "tool" and m.tool_call_id | length != 9 %}
{{ raise_exception("ids have nine characters") }}{% endif %}{% endfor %}"""


def template(text: str) -> ChatTemplate:
    return ChatTemplate(text, {}, "m")


@pytest.mark.parametrize(
    ("text", "knows"),
    [
        (PLAIN, False),
        (TOOLS + PLAIN, False),  # its calls would be lost
        (CALLS, False),
        (TOOLS + CALLS, True),
        (REFUSES, False),
        (SHORT_IDS + TOOLS + CALLS, True),
    ],
)
def test_tools_are_known_where_they_are_seen_in_the_prompt(text: str, knows: bool) -> None:
    assert knows_tools(template(text), TemplateRefused) is knows


def test_thoughts_are_open_where_the_prompt_ends_in_them() -> None:
    assert not opens_thoughts(template(PLAIN), TemplateRefused)
    assert opens_thoughts(template(PLAIN + "<think>\n"), TemplateRefused)
    assert not opens_thoughts(template(PLAIN + "<think>\n\n</think>"), TemplateRefused)


def test_templates_get_arguments_as_objects_and_results_with_their_names() -> None:
    messages = (
        Message("assistant", "", calls=(ToolCall("call_1", "f", '{"a": 1}'),)),
        Message("tool", "found", answers="call_1"),
    )
    asked, found = contents(messages)
    [call] = asked["tool_calls"]
    assert call["function"] == {"name": "f", "arguments": {"a": 1}}
    assert (found["name"], found["tool_call_id"]) == ("f", call["id"])
    assert as_json(Tool("f", "", {})) == {
        "type": "function",
        "function": {"name": "f", "parameters": {}},
    }
