"""The body of a v1 chat request and its answer, as OpenAPI documents them."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from app.domain.generation import Finished
from app.domain.options import ContextPolicy
from app.v1.models.messages import ONE_OF_TWO, TextsSchema
from app.v1.models.options import STRICT, OptionsSchema

EXAMPLES: list[JsonValue] = [
    {"message": "Why is the sky blue?", "max_tokens": 256},
    {
        "message": "And at sunset?",
        "history": [
            {"role": "user", "content": "Why is the sky blue?"},
            {"role": "assistant", "content": "Air scatters blue light more than red."},
        ],
        "system_prompt": "Answer in one sentence.",
        "temperature": 0,
    },
    {"messages": [{"role": "user", "content": "하늘은 왜 파란가요?"}]},
]


class ModelChoice(BaseModel):
    """Which model answers."""

    model_config = STRICT

    model: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        description="A loaded model's name; GET /health tells it. Default: the text model.",
        examples=["smollm2-135m-instruct"],
    )


class ChatRequest(ModelChoice, TextsSchema, OptionsSchema):
    """A message to the model, with or without a history."""

    model_config = STRICT | ConfigDict(json_schema_extra={**ONE_OF_TWO, "examples": EXAMPLES})


class UsageSchema(BaseModel):
    """Token counts of this request."""

    model_config = ConfigDict(from_attributes=True)

    prompt_tokens: int = Field(description="Tokens of the prompt, cached ones included.")
    completion_tokens: int = Field(description="Tokens generated.")
    total_tokens: int = Field(description="The sum of both.")
    cached_tokens: int = Field(description="Prompt tokens that were not prefilled again.")


class TimingsSchema(BaseModel):
    """Where the time went, in milliseconds."""

    model_config = ConfigDict(from_attributes=True)

    queue_ms: float = Field(description="Waiting for a slot.")
    prompt_ms: float = Field(description="Prefill.")
    first_token_ms: float = Field(description="From the request's arrival to its first token.")
    generation_ms: float = Field(description="From the first token to the last.")
    total_ms: float = Field(description="From the request's arrival to its end.")
    tokens_per_second: float = Field(description="Over generation_ms.")


class ContextSchema(BaseModel):
    """How the prompt fits the model's context window."""

    model_config = ConfigDict(from_attributes=True)

    window: int = Field(description="The context window in tokens.")
    prompt_tokens: int = Field(description="Tokens of the prompt after cutting.")
    policy: ContextPolicy = Field(description="What was to happen to a history that is too long.")
    dropped_messages: int = Field(description="Messages of the history that were cut.")
    dropped_tokens: int = Field(description="Tokens that were cut with them.")


class ChatResponse(BaseModel):
    """The model's whole answer."""

    id: str = Field(description="This answer's id.", examples=["chat_9f86d081884c7d65"])
    created_at: datetime = Field(description="RFC 3339, UTC.")
    model: str = Field(description="The model that answered.", examples=["smollm2-135m-instruct"])
    response: str = Field(description="The answer's text.")
    finish_reason: Literal["stop", "length", "content_filter"] = Field(
        description="`length`: max_tokens or the context window was reached."
    )
    usage: UsageSchema
    timings: TimingsSchema
    context: ContextSchema
    warnings: list[str] = Field(description="Plain words, in the language of Accept-Language.")

    @classmethod
    def of(
        cls, id: str, created_at: datetime, model: str, finished: Finished, warnings: list[str]
    ) -> Self:
        """The answer that `finished` ends; `created_at` in UTC."""
        return cls(
            id=id,
            created_at=created_at,
            model=model,
            response=finished.text,
            finish_reason=finished.finish_reason,
            usage=UsageSchema.model_validate(finished.usage),
            timings=TimingsSchema.model_validate(finished.timings),
            context=ContextSchema.model_validate(finished.context),
            warnings=warnings,
        )
