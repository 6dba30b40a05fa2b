"""The generation options as any chat route takes them; they mean what `app.domain.options` says."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.domain.options import ContextPolicy, GenerationOptions, ResponseFormat
from app.domain.schema_guard import check_response_schema

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)
LARGEST_INT32 = 2**31 - 1
StopText = Annotated[str, Field(min_length=1, max_length=256)]


class JsonSchemaSchema(BaseModel):
    """A named JSON Schema that the answer must satisfy."""

    model_config = STRICT

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")] = Field(
        default="answer", description="A name for the schema, for people.", examples=["person"]
    )
    schema_: dict[str, Any] = Field(
        alias="schema",
        description="The JSON Schema (at most 64 KB, 32 levels, 200 properties).",
        examples=[{"type": "object", "properties": {"age": {"type": "integer"}}}],
    )
    description: str | None = Field(default=None, max_length=1024, description="Ignored.")
    strict: bool | None = Field(
        default=None, description="Accepted for other APIs' clients; the schema is always enforced."
    )


class ResponseFormatSchema(BaseModel):
    """What form the answer must have."""

    model_config = STRICT

    type: Literal["text", "json_object", "json_schema"] = Field(
        description="`text`, any JSON object, or JSON that satisfies `json_schema`."
    )
    json_schema: JsonSchemaSchema | None = Field(
        default=None, description="Needed with the type `json_schema`, and only with it."
    )

    @model_validator(mode="after")
    def check_type(self) -> Self:
        """The schema is there exactly when the type asks for it."""
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise PydanticCustomError("missing_schema", "json_schema goes with its type")
        return self

    def to_domain(self) -> ResponseFormat:
        """Raises SllmError `invalid_parameter` for a schema that cannot be enforced."""
        if self.json_schema is None:
            return ResponseFormat(type=self.type)
        check_response_schema(self.json_schema.schema_)
        return ResponseFormat(type=self.type, schema=self.json_schema.schema_)


class OptionsSchema(BaseModel):
    """Generation options; leaving one out, or `null`, means its default."""

    model_config = STRICT

    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST_INT32,
        description="The most tokens to generate. Default: the server's DEFAULT_MAX_TOKENS.",
        examples=[256],
    )
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="0 is greedy and deterministic; higher varies more."
    )
    top_p: float | None = Field(
        default=None, gt=0, le=1, description="Keep the likeliest tokens up to this probability."
    )
    top_k: int | None = Field(
        default=None, ge=0, le=1000, description="Keep this many of the likeliest tokens; 0 is all."
    )
    min_p: float | None = Field(
        default=None, ge=0, le=1, description="Drop tokens below this share of the likeliest one."
    )
    repeat_penalty: float | None = Field(
        default=None, ge=0.5, le=2, description="Above 1 makes recent tokens less likely."
    )
    presence_penalty: float | None = Field(
        default=None, ge=-2, le=2, description="Above 0 makes tokens that occurred less likely."
    )
    frequency_penalty: float | None = Field(
        default=None, ge=-2, le=2, description="As presence_penalty, growing with each occurrence."
    )
    seed: int | None = Field(
        default=None, ge=0, le=2**32 - 1, description="The same seed gives the same answer."
    )
    stop: Annotated[list[StopText], Field(max_length=8)] | None = Field(
        default=None,
        description="Up to 8 texts that end the answer; they are not part of it.",
        examples=[["\n\n"]],
    )
    response_format: ResponseFormatSchema | None = Field(
        default=None, description="What form the answer must have.", examples=[{"type": "text"}]
    )
    context_policy: ContextPolicy | None = Field(
        default=None,
        description="When the history is too long: `drop_oldest` (default) cuts it, whole turns "
        "first in first out, and says so; `error` refuses the request.",
    )

    def to_options(self, default_max_tokens: int) -> GenerationOptions:
        """The options as the engines take them; `default_max_tokens` where none were asked for.

        Raises SllmError `invalid_parameter` for a response schema that cannot be enforced.
        """
        given = self.model_dump(include=set(PLAIN_OPTIONS), exclude_none=True)
        given.setdefault("max_tokens", default_max_tokens)
        if self.response_format is not None:
            given["response_format"] = self.response_format.to_domain()
        return GenerationOptions(**given, stop=tuple(self.stop or ()))

    def with_defaults(self, options: Mapping[str, Any]) -> Self:
        """The same with `options`, named as here, where this request leaves them out."""
        defaults = OptionsSchema.model_validate(options)
        missing = {
            name: getattr(defaults, name)
            for name in OptionsSchema.model_fields
            if getattr(self, name) is None
        }
        return self.model_copy(update=missing)


PLAIN_OPTIONS = frozenset(GenerationOptions.__struct_fields__) - {"stop", "response_format"}
