"""The body of `POST /v1/chat/completions`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from app.domain.logprobs import MAX_LOGPROBS
from app.openai.models.messages import MessagesSchema
from app.openai.models.options import LabelsSchema, WritingSchema
from app.openai.models.tools import ToolsSchema
from app.v1.models.options import LARGEST_INT32, STRICT, ResponseFormatSchema

EXAMPLES: list[JsonValue] = [
    {
        "model": "smollm2-135m-instruct",
        "messages": [
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "Why is the sky blue?"},
        ],
    }
]


class UnsupportedSchema(BaseModel):
    """Fields that OpenAI documents and no engine here can follow: only values that change nothing
    are accepted, others are answered with `unsupported_by_engine`."""

    model_config = STRICT

    modalities: list[str] | None = Field(default=None, max_length=8)
    audio: JsonValue = None
    prediction: JsonValue = Field(default=None, description="Accepted: it only makes haste.")
    verbosity: Literal["low", "medium", "high"] | None = None
    web_search_options: JsonValue = None
    moderation: JsonValue = None
    functions: JsonValue = Field(default=None, description="Use `tools`.")
    function_call: JsonValue = Field(default=None, description="Use `tool_choice`.")


class ChatCompletionRequest(
    MessagesSchema, WritingSchema, ToolsSchema, LabelsSchema, UnsupportedSchema
):
    """A conversation to be answered, as OpenAI's clients send it."""

    model_config = STRICT | ConfigDict(json_schema_extra={"examples": EXAMPLES})

    max_completion_tokens: int | None = Field(
        default=None, ge=1, le=LARGEST_INT32, description="The newer name of `max_tokens`."
    )
    response_format: ResponseFormatSchema | None = Field(
        default=None, description="Text, any JSON object, or JSON that satisfies a schema."
    )
    logprobs: bool | None = Field(default=None, description="How likely each token was.")
    top_logprobs: int | None = Field(
        default=None, ge=0, le=MAX_LOGPROBS, description="Alternatives to each; needs `logprobs`."
    )

    @field_validator("top_logprobs")
    @classmethod
    def check_logprobs(cls, value: int | None, info: ValidationInfo) -> int | None:
        """Alternatives are shown beside what was chosen."""
        if value is not None and not info.data.get("logprobs"):
            raise PydanticCustomError("top_logprobs_alone", "top_logprobs needs logprobs")
        return value
