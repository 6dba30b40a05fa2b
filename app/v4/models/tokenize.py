"""What `POST /tokenize` counts, and its answer."""

from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.domain.messages import Message
from app.v1.models.chat import ModelChoice
from app.v1.models.messages import MOST_MESSAGES, ChatMessage, Text, check_order
from app.v1.models.options import STRICT
from app.v3.models.chat import NAME_PATTERN, Variables

ONE_OF_TWO: dict[str, JsonValue] = {"oneOf": [{"required": ["text"]}, {"required": ["messages"]}]}
EXAMPLES: list[JsonValue] = [
    {"text": "하늘은 왜 파란가요?"},
    {
        "messages": [{"role": "user", "content": "Why is the sky blue?"}],
        "template": "default",
        "variables": {"length": "one sentence"},
    },
]


class TokenizeRequest(ModelChoice):
    """A text, or the messages of a chat."""

    model_config = STRICT | ConfigDict(json_schema_extra={**ONE_OF_TWO, "examples": EXAMPLES})

    text: Text | None = Field(
        default=None, description="Counted alone. Exactly one of `text` and `messages`."
    )
    messages: (
        Annotated[
            list[ChatMessage],
            Field(min_length=1, max_length=MOST_MESSAGES, fail_fast=True),
            AfterValidator(check_order),
        ]
        | None
    ) = Field(
        default=None,
        description="Counted as the prompt of a chat with them: an optional system message, then "
        "user and assistant, the user's last.",
    )
    template: Annotated[str, Field(pattern=NAME_PATTERN)] | None = Field(
        default=None,
        description="A prompt template in front of `messages`; not with a system message.",
        examples=["default"],
    )
    variables: Variables | None = Field(
        default=None, description="Values of the template's variables, by name."
    )

    @field_validator("template")
    @classmethod
    def check_template(cls, template: str | None, info: Any) -> str | None:
        """It goes in front of messages, and brings the system prompt."""
        if template is None:
            return None
        if info.data.get("text") is not None:
            raise PydanticCustomError("template_with_text", "goes with messages")
        messages = info.data.get("messages") or [None]
        if messages[0] is not None and messages[0].role == "system":
            raise PydanticCustomError("template_with_system", "not with a system message")
        return template

    @field_validator("variables")
    @classmethod
    def check_template_given(
        cls, variables: dict[str, Any] | None, info: Any
    ) -> dict[str, Any] | None:
        """Values of nothing are a mistake; where the template itself was wrong, say only that."""
        if variables is not None and info.data.get("template", "wrong") is None:
            raise PydanticCustomError("variables_alone", "variables go with template")
        return variables

    @model_validator(mode="after")
    def check_form(self) -> Self:
        """One of the two, not both."""
        if (self.text is None) == (self.messages is None):
            raise PydanticCustomError("text_or_messages", "exactly one of text and messages")
        return self

    def to_messages(self) -> tuple[Message, ...]:
        """The messages; none where there is a text."""
        return tuple(message.to_domain() for message in self.messages or ())


class TokenizeResponse(BaseModel):
    """How much of the context window it takes."""

    model_config = ConfigDict(from_attributes=True)

    tokens: int = Field(
        description="Tokens of the text, or prompt tokens of a chat with these messages.",
        examples=[12],
    )
    window: int = Field(
        description="Tokens of one request, prompt and answer together: `context_length` in "
        "/health.",
        examples=[4096],
    )
