"""Chats and completions as a client of the dialect asks for them."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

from tests.support import Server

CHAT = "/v1/chat/completions"
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
# What the scripted engine is told to write.
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Seoul"}}\n</tool_call>'


def body_of(said: str | list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """A request whose only message is `said`, or whose messages are."""
    messages = [{"role": "user", "content": said}] if isinstance(said, str) else said
    return {"model": "scripted", "messages": messages, **fields}


def chat(
    server: Server, said: str | list[dict[str, Any]], *, expect: int = 200, **fields: Any
) -> dict[str, Any]:
    """One chat completion."""
    answer = server.http.post(CHAT, json=body_of(said, **fields))
    assert answer.status_code == expect, answer.text
    told: dict[str, Any] = answer.json()
    return told


def message_of(completion: dict[str, Any], index: int = 0) -> dict[str, Any]:
    message: dict[str, Any] = completion["choices"][index]["message"]
    return message


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and the field at fault; the shape is OpenAI's."""
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["code"], error["param"]


def data_of(lines: Iterator[str]) -> list[str]:
    """The data of each event; there are no names, and comments are skipped."""
    events = [line for line in lines if line and not line.startswith(":")]
    assert all(line.startswith("data: ") for line in events)
    return [line.removeprefix("data: ") for line in events]


def streamed(
    server: Server, said: str | list[dict[str, Any]], *, path: str = CHAT, **fields: Any
) -> list[dict[str, Any]]:
    """Every chunk of a stream that ends well."""
    body = body_of(said, **fields) if path == CHAT else {"model": "scripted", "prompt": said}
    with server.http.stream("POST", path, json={**body, **fields, "stream": True}) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        data = data_of(answer.iter_lines())
    assert data.pop() == "[DONE]"
    return [json.loads(each) for each in data]


def deltas(chunks: list[dict[str, Any]], choice: int = 0) -> list[dict[str, Any]]:
    """What a choice says, piece by piece."""
    choices = [each for chunk in chunks for each in chunk["choices"]]
    return [each["delta"] for each in choices if each["index"] == choice]
