"""The events of a streamed chat, and how OpenAPI tells of them; the request is v1's."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.v1.models.chat import ChatRequest, ChatResponse, ContextSchema

__all__ = [
    "STREAM_RESPONSES",
    "ChatRequest",
    "ChatResponse",
    "ContextSchema",
    "PrefillEvent",
    "QueueEvent",
    "StartEvent",
    "TokenEvent",
]


class StartEvent(BaseModel):
    """`start`: the request is accepted; always first."""

    id: str = Field(description="The answer's id.", examples=["chat_9f86d081884c7d65"])
    created_at: datetime = Field(description="RFC 3339, UTC.")
    model: str = Field(description="The model that answers.")
    context: ContextSchema


class QueueEvent(BaseModel):
    """`queue`: sent while waiting for a slot."""

    position: int = Field(description="1 is next.", examples=[3])
    estimated_wait_ms: int = Field(description="From recent requests.", examples=[1200])


class PrefillEvent(BaseModel):
    """`prefill`: sent while a long prompt is read."""

    processed: int = Field(description="Prompt tokens read so far.", examples=[512])
    total: int = Field(description="Prompt tokens in all.", examples=[2048])


class TokenEvent(BaseModel):
    """`token`: a piece of the answer, whole characters."""

    text: str = Field(examples=["The sky"])


DESCRIPTION = """Server-sent events. One `start` comes first and exactly one `done` or `error` last.

| event | data | when |
|---|---|---|
| `start` | `{"id","created_at","model","context"}` | the request is accepted |
| `queue` | `{"position","estimated_wait_ms"}` | while waiting for a slot |
| `prefill` | `{"processed","total"}` | while a long prompt is read |
| `token` | `{"text"}` | a piece of the answer |
| `done` | the whole answer, as the route without `/stream` gives it | the end |
| `error` | `{"error": {"code","message","request_id"}}` | the end, in place of `done` |

Lines that start with a colon are comments that keep the connection open."""

EXAMPLE = """event: start
data: {"id":"chat_9f86d081884c7d65","created_at":"2026-01-01T00:00:00Z",\
"model":"smollm2-135m-instruct","context":{"window":2048,"prompt_tokens":31,\
"policy":"drop_oldest","dropped_messages":0,"dropped_tokens":0}}

event: token
data: {"text":"Because"}

event: token
data: {"text":" air scatters blue light."}

event: done
data: {"id":"chat_9f86d081884c7d65","response":"Because air scatters blue light.", …}

"""

# For `responses=` of a streaming route.
STREAM_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": DESCRIPTION,
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
    }
}
