"""The body of a v3 chat request: v2's, and a template with its variables."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, JsonValue, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from app.v1.models.messages import ONE_OF_TWO
from app.v1.models.options import STRICT, OptionsSchema
from app.v2.models.chat import STREAM_RESPONSES, ChatRequest, ChatResponse

__all__ = [
    "NAME_PATTERN",
    "STREAM_RESPONSES",
    "ChatResponse",
    "TemplateChatRequest",
    "TemplateChoice",
    "Variables",
]

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
MOST_VARIABLES = 64
SCALAR: dict[str, JsonValue] = {
    "anyOf": [{"type": kind} for kind in ("string", "number", "boolean", "null")]
}
Variables = Annotated[
    dict[str, Annotated[JsonValue, WithJsonSchema(SCALAR)]], Field(max_length=MOST_VARIABLES)
]

EXAMPLES: list[JsonValue] = [
    {
        "message": "The ten customers who spent the most",
        "template": "sql_assistant",
        "variables": {
            "dialect": "PostgreSQL",
            "schema": "customers(id, name), orders(id, customer_id, amount)",
        },
    },
    {"message": "Why is the sky blue?", "max_tokens": 256},
]


class TemplateChoice(OptionsSchema):
    """A template and its values; its options stand where the request leaves them out."""

    template: Annotated[str, Field(pattern=NAME_PATTERN)] | None = Field(
        default=None,
        description="A prompt template's name: it sets the system prompt, example turns and the "
        "options that this request leaves out. Not together with `system_prompt` or a system "
        "message.",
        examples=["sql_assistant"],
    )
    variables: Variables | None = Field(
        default=None,
        description="Values of the template's variables, by name; `null` is as if left out.",
        examples=[{"dialect": "SQLite", "schema": "users(id, name)"}],
    )

    @field_validator("template")
    @classmethod
    def check_alone(cls, template: str | None, info: ValidationInfo) -> str | None:
        """The template brings the system prompt."""
        messages = info.data.get("messages") or [None]
        has_system = messages[0] is not None and messages[0].role == "system"
        if template is not None and (info.data.get("system_prompt") or has_system):
            raise PydanticCustomError("template_with_system", "not with a system prompt")
        return template

    @field_validator("variables")
    @classmethod
    def check_template_given(
        cls, variables: dict[str, Any] | None, info: ValidationInfo
    ) -> dict[str, Any] | None:
        """Values of nothing are a mistake; where the template itself was wrong, say only that."""
        if variables is not None and info.data.get("template", "wrong") is None:
            raise PydanticCustomError("variables_alone", "variables go with template")
        return variables


class TemplateChatRequest(TemplateChoice, ChatRequest):
    """A message to the model, with or without a template."""

    model_config = STRICT | ConfigDict(json_schema_extra={**ONE_OF_TWO, "examples": EXAMPLES})
