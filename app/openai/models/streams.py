"""How OpenAPI tells of the dialect's streams."""

from typing import Any

CHAT_EXAMPLE = """data: {"id":"chatcmpl-9f86…","object":"chat.completion.chunk",\
"created":1767225600,\
"model":"smollm2-135m-instruct","choices":[{"index":0,"delta":{"role":"assistant","content":""},\
"logprobs":null,"finish_reason":null}]}

data: {…,"choices":[{"index":0,"delta":{"content":"Because"},"logprobs":null,\
"finish_reason":null}]}

data: {…,"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}

data: [DONE]

"""
CHAT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `stream: true` its chunks as server-sent events, `[DONE]` "
        "at the end. An error after the first chunk is an event with `error`, and nothing follows.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": CHAT_EXAMPLE}},
    }
}
