"""Generation options: the same names and the same meaning on every engine."""

from typing import Any, Literal

from msgspec import Struct

ContextPolicy = Literal["drop_oldest", "error"]


class ResponseFormat(Struct, frozen=True):
    """What shape the answer must have; `schema` is a JSON Schema for `json_schema`."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    schema: dict[str, Any] | None = None


class GenerationOptions(Struct, frozen=True):
    """Sampling and stopping. `max_tokens` counts tokens; `seed` None means a random one.

    `logprobs` asks for every token's log probability and the likeliest 0 to 20 tokens in its
    place (MAX_LOGPROBS); None: neither. They are what the model itself said: the natural log of
    the softmax of its logits, before penalties, temperature, top_k, top_p, min_p and the response
    format. Every token is told of once, also those that write no text: the end of the answer, and
    a stop string's. On GGUF a character of several tokens is told of once, with the number of its
    last token: llama.cpp says nothing of the others.
    """

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
    logprobs: int | None = None
