"""The body of `POST /v1/responses`."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag, model_validator
from pydantic_core import PydanticCustomError

from app.domain.logprobs import MAX_LOGPROBS
from app.openai.config import MOST_MESSAGES
from app.openai.models.hints import CacheOptions, Retention, Tier
from app.openai.models.items import AnyItem
from app.openai.models.kinds import text_or_list
from app.openai.models.messages import Id
from app.openai.models.options import Label, SamplingSchema, StopTexts
from app.openai.models.response_tools import ResponseToolsSchema, TextSchema
from app.v1.models.messages import SaidText, Text
from app.v1.models.options import LARGEST_INT32, STRICT
from app.v4.models.chat import Metadata

EXAMPLES: list[JsonValue] = [
    {"model": "smollm2-135m-instruct", "input": "Why is the sky blue?"},
    {"input": "And at sunset?", "previous_response_id": "resp_0a1b2c3d4e5f60718293a4b5c6d7e8f9"},
]


class ReasoningSchema(BaseModel):
    """Accepted; models here think as much as they do, and tell it as it is."""

    model_config = STRICT

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: Literal["standard", "pro"] | None = None


class ConversationRef(BaseModel):
    """A conversation by its id."""

    model_config = STRICT

    id: Id


class ResponseStreamOptions(BaseModel):
    """What a stream brings beside the answer."""

    model_config = STRICT

    include_obfuscation: bool | None = Field(
        default=None, description="Accepted; nothing is padded."
    )


class ResponseLabels(BaseModel):
    """Fields that say nothing about the answer, and such that no engine here can follow: of those
    only values that change nothing are accepted."""

    model_config = STRICT

    user: Label | None = Field(default=None, description="Told again; it has no effect.")
    safety_identifier: Label | None = Field(default=None, description="As `user`.")
    prompt_cache_key: Label | None = Field(default=None, description="As `user`.")
    prompt_cache_options: CacheOptions | None = None
    prompt_cache_retention: Retention | None = None
    service_tier: Tier | None = None
    reasoning: ReasoningSchema | None = None
    prompt: JsonValue = Field(default=None, description="Not supported: use v4's templates.")
    moderation: JsonValue = Field(default=None, description="Not supported.")
    context_management: JsonValue = Field(default=None, description="Not supported.")


Include = Literal[
    "message.output_text.logprobs",
    "message.input_image.image_url",
    "reasoning.encrypted_content",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
]
Includes = Annotated[list[Include], Field(max_length=16)]
Items = Annotated[list[AnyItem], Field(max_length=MOST_MESSAGES, fail_fast=True)]


class ResponseRequest(SamplingSchema, ResponseToolsSchema, ResponseLabels):
    """What the model is to answer, as OpenAI's clients send it."""

    model_config = STRICT | ConfigDict(json_schema_extra={"examples": EXAMPLES})

    model: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        description="A loaded model's id; GET /v1/models lists them. Default: the text model.",
        examples=["smollm2-135m-instruct"],
    )
    input: (
        Annotated[
            Annotated[SaidText, Tag("@text")] | Annotated[Items, Tag("@list")], text_or_list()
        ]
        | None
    ) = Field(
        default=None,
        description="A text, or items. Left out, with `conversation`: its last item is answered.",
    )
    instructions: Text | None = Field(
        default=None,
        description="What the model is told first, in this response only; in place of the "
        "conversation's own system prompt, if it has one.",
    )
    previous_response_id: Id | None = Field(
        default=None, description="Go on after this response. Not together with `conversation`."
    )
    conversation: (
        Annotated[
            Annotated[Id, Tag("@word")] | Annotated[ConversationRef, Tag("@object")],
            Discriminator(lambda value: "@word" if isinstance(value, str) else "@object"),
        ]
        | None
    ) = Field(default=None, description="Go on in this conversation; its id, or `{id}`.")
    store: bool | None = Field(
        default=None, description="false: nothing is kept. Default: true, also for v4's clients."
    )
    stream: bool | None = Field(default=None, description="Server-sent events, as it is written.")
    stream_options: ResponseStreamOptions | None = None
    background: bool | None = Field(
        default=None, description="true: answered at once, written meanwhile; see `cancel`."
    )
    max_output_tokens: int | None = Field(
        default=None, ge=1, le=LARGEST_INT32, description="The most tokens of the answer."
    )
    stop: StopTexts | None = Field(
        default=None, description="This server's: up to 8 texts that end the answer."
    )
    text: TextSchema | None = None
    top_logprobs: int | None = Field(
        default=None, ge=0, le=MAX_LOGPROBS, description="Alternatives to each token."
    )
    include: Includes | None = Field(
        default=None, description="`message.output_text.logprobs` tells how likely each token was."
    )
    truncation: Literal["auto", "disabled"] | None = Field(
        default=None,
        description="`auto` cuts a conversation that is too long, whole turns first in first out; "
        "`disabled` (default) refuses it.",
    )
    metadata: Metadata | None = Field(default=None, description="Labels of this response.")

    @model_validator(mode="after")
    def check_place(self) -> Self:
        """One place to go on, if any; and something to answer."""
        if self.previous_response_id is not None and self.conversation is not None:
            raise PydanticCustomError("two_places", "previous_response_id or conversation")
        if not self.input and self.conversation is None and self.previous_response_id is None:
            raise PydanticCustomError("input_missing", "nothing to answer")
        return self

    @property
    def conversation_id(self) -> str | None:
        place = self.conversation
        return place.id if isinstance(place, ConversationRef) else place

    @property
    def keeps(self) -> bool:
        return self.store is not False

    @property
    def tells_logprobs(self) -> bool:
        return "message.output_text.logprobs" in (self.include or ())
