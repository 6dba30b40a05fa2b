"""Options that routes of the dialect share, under OpenAI's names and with its habits."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, JsonValue, Tag

from app.domain.options import ContextPolicy, GenerationOptions
from app.openai.config import MOST_CHOICES
from app.openai.models.hints import CacheOptions, Retention, Tier
from app.openai.models.kinds import text_or_list
from app.v1.models.options import LARGEST_INT32, STRICT, StopText

# Numbers below this are seeds; the next one means a random one to llama.cpp.
SEEDS = 2**32 - 1
SMALLEST_TOP_P = 1e-9
StopTexts = Annotated[
    Annotated[StopText, Tag("@text")]
    | Annotated[list[StopText], Field(max_length=8), Tag("@list")],
    text_or_list(),
]
Label = Annotated[str, Field(max_length=512)]


class SamplingSchema(BaseModel):
    """How tokens are chosen. `top_k`, `min_p` and `repeat_penalty` are this server's."""

    model_config = STRICT

    temperature: float | None = Field(
        default=None, ge=0, le=2, description="0 is greedy and deterministic."
    )
    top_p: float | None = Field(
        default=None, ge=0, le=1, description="Keep the likeliest tokens up to this probability."
    )
    top_k: int | None = Field(default=None, ge=0, le=1000, description="0 keeps all.")
    min_p: float | None = Field(default=None, ge=0, le=1)
    repeat_penalty: float | None = Field(default=None, ge=0.5, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    seed: int | None = Field(
        default=None, ge=-(2**63), lt=2**63, description="The same seed gives the same answer."
    )

    def sampling(self) -> dict[str, Any]:
        """The fields of GenerationOptions that were given."""
        names = set(SamplingSchema.model_fields)
        given = self.model_dump(include=names, exclude_none=True)
        if "seed" in given:
            given["seed"] %= SEEDS
        if "top_p" in given:
            given["top_p"] = max(given["top_p"], SMALLEST_TOP_P)
        return given


class StreamOptions(BaseModel):
    """What a stream brings beside the answer."""

    model_config = STRICT

    include_usage: bool | None = Field(
        default=None, description="One more chunk with the usage, before `[DONE]`."
    )
    include_obfuscation: bool | None = Field(
        default=None, description="Accepted; nothing is padded."
    )


class WritingSchema(SamplingSchema):
    """What the routes of completions have in common."""

    model_config = STRICT

    model: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        description="A loaded model's id; GET /v1/models lists them. Default: the text model.",
        examples=["smollm2-135m-instruct"],
    )
    max_tokens: int | None = Field(
        default=None, ge=1, le=LARGEST_INT32, description="The most tokens of an answer."
    )
    n: int | None = Field(default=None, ge=1, le=MOST_CHOICES, description="How many answers.")
    stop: StopTexts | None = Field(
        default=None, description="Up to 8 texts that end the answer; they are not part of it."
    )
    stream: bool | None = Field(default=None, description="Server-sent events, token by token.")
    stream_options: StreamOptions | None = None
    logit_bias: dict[str, JsonValue] | None = Field(
        default=None, description="Not supported: only an empty one is accepted."
    )
    user: Label | None = Field(default=None, description="Accepted; nothing is kept of it.")
    context_policy: ContextPolicy | None = Field(
        default=None,
        description="This server's: `drop_oldest` cuts a conversation that is too long, whole "
        "turns first in first out; `error` (default) refuses it.",
    )

    @property
    def counts(self) -> bool:
        """Whether a stream ends with the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    def writing(self, default_max_tokens: int) -> GenerationOptions:
        """The options that these fields give."""
        given = self.sampling() | {"max_tokens": self.max_tokens or default_max_tokens}
        return GenerationOptions(**given, stop=self.stops())


class LabelsSchema(BaseModel):
    """Fields that say nothing about the answer: accepted, checked, and without effect."""

    model_config = STRICT

    metadata: Annotated[dict[Label, Label], Field(max_length=16)] | None = None
    store: bool | None = Field(default=None, description="Accepted; nothing is stored here.")
    service_tier: Tier | None = None
    safety_identifier: Label | None = None
    prompt_cache_key: Label | None = None
    prompt_cache_options: CacheOptions | None = None
    prompt_cache_retention: Retention | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        Field(default=None, description="Accepted; models here think as much as they do.")
    )
