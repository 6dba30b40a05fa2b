"""Generation options: the same names and the same meaning on every engine."""

from typing import Any, Literal

from msgspec import Struct

ContextPolicy = Literal["drop_oldest", "error"]


class ResponseFormat(Struct, frozen=True):
    """What shape the answer must have; `schema` is a JSON Schema for `json_schema`."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    schema: dict[str, Any] | None = None


class GenerationOptions(Struct, frozen=True):
    """Sampling and stopping. `max_tokens` counts tokens; `seed` None means a random one."""

    max_tokens: int = 512
    temperature: float = 0.7
    top_p: float = 0.95
    top_k: int = 40
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    response_format: ResponseFormat = ResponseFormat()
