"""LiteLLM: answers, streams and tools through its own translation."""

import json
from typing import Any

import litellm

CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Seoul"}}\n</tool_call>'
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def asked(server: Any, text: str, *more: Any, **options: Any) -> Any:
    return litellm.completion(
        model=f"openai/{server.model}",
        api_base=f"{server.url}/v1",
        api_key="none",
        messages=[{"role": "user", "content": text}, *more],
        num_retries=0,
        **options,
    )


def check_answer(server: Any) -> None:
    told = asked(server, "hi")
    assert told.choices[0].message.content == "You said: hi"
    assert told.usage.completion_tokens == 3


def check_stream(server: Any) -> None:
    chunks = asked(server, "one two", stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "You said: one two"


def check_tools(server: Any) -> None:
    told = asked(server, f"#answer={CALL}", tools=[WEATHER]).choices[0]
    [call] = told.message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Seoul"}
    assert told.finish_reason == "tool_calls"
    # The message goes back as the client has it.
    result = {"role": "tool", "tool_call_id": call.id, "content": "Rain"}
    more = asked(server, "How is it?", told.message, result, tools=[WEATHER])
    assert more.choices[0].message.content == "You said: Rain"


def check_thoughts(server: Any) -> None:
    message = asked(server, "#answer=<think>Hm.</think>Yes.").choices[0].message
    assert (message.content, message.reasoning_content) == ("Yes.", "Hm.")
    again = asked(server, "And?", message, {"role": "user", "content": "Sure?"})
    assert again.choices[0].message.content == "You said: Sure?"


def check_errors(server: Any) -> None:
    told = ""
    try:
        asked(server, "word " * 9000)
    except litellm.BadRequestError as error:
        told = str(error)
    assert "context window" in told, told
