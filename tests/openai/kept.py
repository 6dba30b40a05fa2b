"""Responses and conversations as a client of the dialect asks for them."""

from typing import Any

import httpx

from tests.support import sse

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
# What the scripted engine is told to write.
CALL = '#answer=<tool_call>\n{"name": "get_weather", "arguments": {"city": "Seoul"}}\n</tool_call>'


def respond(client: httpx.Client, given: Any = None, *, expect: int = 200, **fields: Any) -> Any:
    """One response; `headers` among the fields go into the request's head."""
    headers = fields.pop("headers", {})
    body = fields if given is None else {"input": given, **fields}
    answer = client.post("/v1/responses", json=body, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


def streamed(client: httpx.Client, given: Any, **fields: Any) -> list[dict[str, Any]]:
    """Every event of one; each has its type as its name, and its place in the order."""
    headers = fields.pop("headers", {})
    body = {"input": given, "stream": True, **fields}
    with client.stream("POST", "/v1/responses", json=body, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        named = list(sse(answer.iter_lines()))
    assert [name for name, _ in named] == [data["type"] for _, data in named]
    assert [data["sequence_number"] for _, data in named] == list(range(len(named)))
    return [data for _, data in named]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """The types without their common beginning; what grows counts once."""
    names = [event["type"].removeprefix("response.") for event in events]
    return [name for place, name in enumerate(names) if name not in names[place - 1 : place]]


def text_of(response: dict[str, Any]) -> str:
    """What was said."""
    parts = [part for item in response["output"] for part in item.get("content", ())]
    return "".join(part["text"] for part in parts if part["type"] == "output_text")


def get(client: httpx.Client, path: str, *, expect: int = 200, **query: Any) -> Any:
    answer = client.get(f"/v1/{path}", params=query)
    assert answer.status_code == expect, answer.text
    return answer.json()


def begin(client: httpx.Client, *items: Any, **fields: Any) -> str:
    """A new conversation's id."""
    answer = client.post("/v1/conversations", json={"items": list(items), **fields})
    assert answer.status_code == 200, answer.text
    id_: str = answer.json()["id"]
    return id_


def told(client: httpx.Client, conversation: str) -> list[tuple[str, str]]:
    """Every item, oldest first: who or what it is, and its words."""
    page = get(client, f"conversations/{conversation}/items", order="asc", limit=100)
    return [spelled(item) for item in page["data"]]


def spelled(item: dict[str, Any]) -> tuple[str, str]:
    match item["type"]:
        case "message":
            texts = [part.get("text", part["type"]) for part in item["content"]]
            return item["role"], "".join(texts)
        case "function_call":
            return "call", f"{item['name']}({item['arguments']})"
        case "function_call_output":
            return "result", item["output"]
    return "thought", item["content"][0]["text"]


def fault(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and the field at fault."""
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["code"], error["param"]
