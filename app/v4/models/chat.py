"""The body of a v4 chat request, and an answer that is kept in a conversation."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from app.domain.messages import Message
from app.v1.models.chat import ChatResponse, ModelChoice
from app.v1.models.messages import SaidText, Text
from app.v1.models.options import STRICT, OptionsSchema
from app.v2.models.chat import STREAM_RESPONSES as STREAMED
from app.v2.models.chat import StartEvent
from app.v3.models.chat import TemplateChoice
from app.v4.config import LONGEST_KEY, LONGEST_TITLE, LONGEST_VALUE, MOST_METADATA

Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TITLE)
]
MetadataKey = Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)]
MetadataValue = Annotated[str, Field(max_length=LONGEST_VALUE)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=MOST_METADATA)]

EXAMPLES: list[JsonValue] = [
    {"message": "Why is the sky blue?", "max_tokens": 256},
    {"conversation_id": "conv_5f2b9c1d3e4a5b6c7d8e9f0a1b2c3d4e", "message": "And at sunset?"},
    {
        "message": "지난달에 가장 많이 산 고객 열 명",
        "template": "sql_assistant",
        "variables": {"dialect": "PostgreSQL", "schema": "orders(id, customer_id, amount)"},
        "metadata": {"project": "report"},
    },
]


class ConversationChatRequest(TemplateChoice, ModelChoice):
    """A message in a conversation, new or old; the server knows what was said before."""

    model_config = STRICT | ConfigDict(json_schema_extra={"examples": EXAMPLES})

    message: SaidText = Field(description="The new message.", examples=["And at sunset?"])
    conversation_id: str | None = Field(
        default=None,
        max_length=64,
        description="The conversation to continue. None: a new one.",
        examples=["conv_5f2b9c1d3e4a5b6c7d8e9f0a1b2c3d4e"],
    )
    parent_id: str | None = Field(
        default=None,
        max_length=64,
        description="Branch off after this message of the conversation. Default: its current one.",
        examples=["msg_0a1b2c3d4e5f60718293a4b5c6d7e8f9"],
    )
    system_prompt: Text | None = Field(
        default=None,
        description="Instructions to the model; they stay with the conversation until another "
        "request brings others. Empty takes them away. Not together with `template`.",
        examples=["You are a helpful assistant. Answer briefly."],
    )
    title: Title | None = Field(
        default=None,
        description="The conversation's title. Default: made from its first message.",
        examples=["Colours of the sky"],
    )
    metadata: Metadata | None = Field(
        default=None,
        description="The conversation's labels, for your own use and for filtering.",
        examples=[{"project": "physics"}],
    )

    @field_validator("parent_id")
    @classmethod
    def check_conversation_named(cls, parent_id: str | None, info: Any) -> str | None:
        """A message is found in its conversation only."""
        if parent_id is not None and info.data.get("conversation_id", "wrong") is None:
            raise PydanticCustomError("parent_alone", "parent_id goes with conversation_id")
        return parent_id

    @field_validator("system_prompt")
    @classmethod
    def check_without_template(cls, system_prompt: str | None, info: Any) -> str | None:
        """The template brings the system prompt."""
        if system_prompt and info.data.get("template"):
            raise PydanticCustomError("template_with_system", "not with a system prompt")
        return system_prompt

    def to_messages(self) -> tuple[Message, ...]:
        """The new message alone."""
        return (Message("user", self.message),)


class RegenerateRequest(ModelChoice, OptionsSchema):
    """Options for another answer to the same question; none of them need be given."""

    model_config = STRICT | ConfigDict(json_schema_extra={"examples": [{"temperature": 1.2}]})

    def to_messages(self) -> tuple[Message, ...]:
        """Nothing new is said."""
        return ()


class ConversationChatResponse(ChatResponse):
    """The model's whole answer, and where it is kept."""

    conversation_id: str = Field(
        description="The conversation.", examples=["conv_5f2b9c1d3e4a5b6c7d8e9f0a1b2c3d4e"]
    )
    message_id: str = Field(
        description="This answer.", examples=["msg_0a1b2c3d4e5f60718293a4b5c6d7e8f9"]
    )
    parent_id: str = Field(
        description="The message that it answers.",
        examples=["msg_9f8e7d6c5b4a39281706f5e4d3c2b1a0"],
    )


class ConversationStartEvent(StartEvent):
    """`start`: the request is accepted and the message stored."""

    conversation_id: str = Field(description="The conversation.")
    message_id: str = Field(description="The answer to come.")
    parent_id: str = Field(description="The message that it answers.")


def _streamed() -> dict[int | str, dict[str, Any]]:
    old, new = (
        '{"id","created_at","model","context"}',
        '{"id","created_at","model","context","conversation_id","message_id","parent_id"}',
    )
    answer = dict(STREAMED[200])
    return {200: {**answer, "description": str(answer["description"]).replace(old, new)}}


# For `responses=` of a streaming route.
STREAM_RESPONSES = _streamed()
