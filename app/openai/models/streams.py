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
RESPONSE_EXAMPLE = """event: response.created
data: {"type":"response.created","sequence_number":0,"response":{…,"status":"in_progress"}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{…}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_0a1b…",\
"output_index":0,"content_index":0,"delta":"Because","logprobs":[]}

event: response.completed
data: {"type":"response.completed","sequence_number":12,"response":{…,"status":"completed"}}

"""
RESPONSE_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The response; with `stream: true` its events. The last is "
        "`response.completed`, `response.incomplete` or `response.failed`.",
        "content": {
            "text/event-stream": {"schema": {"type": "string"}, "example": RESPONSE_EXAMPLE}
        },
    }
}
