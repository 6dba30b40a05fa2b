"""The texts of a chat request: one message with a history, or the `messages` of other APIs."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from app.domain.messages import Message, Role
from app.v1.models.options import STRICT

MOST_BYTES = 1024 * 1024
MOST_MESSAGES = 10_000


def check_size(text: str) -> str:
    """At most 1 MiB as UTF-8, whatever the script."""
    if len(text) > MOST_BYTES or len(text.encode("utf-8")) > MOST_BYTES:
        raise PydanticCustomError("text_too_large", "too large", {"limit": MOST_BYTES})
    return text


Text = Annotated[str, AfterValidator(check_size)]
SaidText = Annotated[str, Field(min_length=1), AfterValidator(check_size)]


class SpokenMessage(BaseModel):
    """A message of a conversation, whoever said it."""

    model_config = STRICT

    role: Role = Field(description="Who said it.")
    content: Text = Field(description="What was said; only an assistant's may be empty.")

    @model_validator(mode="after")
    def check_content(self) -> Self:
        """A system prompt and a user say something; a model may have answered nothing."""
        if self.role != "assistant" and not self.content:
            raise PydanticCustomError("text_empty", "may not be empty")
        return self

    def to_domain(self) -> Message:
        """The same without its schema."""
        return Message(self.role, self.content)


class HistoryMessage(SpokenMessage):
    """An earlier message of the conversation."""

    role: Literal["user", "assistant"] = Field(description="Who said it.")


class ChatMessage(SpokenMessage):
    """A message in the form of other APIs, where the system prompt is one of them."""


def check_order(messages: list[ChatMessage]) -> list[ChatMessage]:
    """At most one system message, first; the user's message last."""
    if any(message.role == "system" for message in messages[1:]):
        raise PydanticCustomError("system_not_first", "a system message comes first")
    if messages[-1].role != "user":
        raise PydanticCustomError("last_not_user", "the last message is the user's")
    return messages


# For OpenAPI: exactly one of the two forms.
ONE_OF_TWO: dict[str, JsonValue] = {
    "oneOf": [{"required": ["message"]}, {"required": ["messages"]}]
}


class TextsSchema(BaseModel):
    """What is said: `message` with `history` and `system_prompt`, or `messages` alone."""

    model_config = STRICT

    message: SaidText | None = Field(
        default=None,
        description="The new message. Exactly one of `message` and `messages`.",
        examples=["Why is the sky blue?"],
    )
    history: (
        Annotated[list[HistoryMessage], Field(max_length=MOST_MESSAGES, fail_fast=True)] | None
    ) = Field(
        default=None,
        description="The conversation so far, oldest first; what does not fit is cut.",
        examples=[[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]],
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
        description="The whole conversation: an optional system message, then user and "
        "assistant, the user's new message last.",
    )
    system_prompt: Text | None = Field(
        default=None,
        description="Instructions to the model, never cut. Empty is none.",
        examples=["You are a helpful assistant. Answer briefly."],
    )

    @model_validator(mode="after")
    def check_form(self) -> Self:
        """One of the two forms, not a mixture."""
        if (self.message is None) == (self.messages is None):
            raise PydanticCustomError("exactly_one", "exactly one of message and messages")
        if self.messages is not None and self.history is not None:
            raise PydanticCustomError("history_with_messages", "history goes with message")
        if self.system_prompt and self.messages and self.messages[0].role == "system":
            raise PydanticCustomError("system_twice", "one system prompt")
        return self

    def to_messages(self) -> tuple[Message, ...]:
        """The system prompt if any, the history, and the new message last."""
        first = [Message("system", self.system_prompt)] if self.system_prompt else []
        if self.messages is not None:
            return (*first, *(message.to_domain() for message in self.messages))
        history = [message.to_domain() for message in self.history or ()]
        return (*first, *history, Message("user", self.message or ""))
