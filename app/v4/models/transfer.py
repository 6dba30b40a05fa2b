"""A conversation on its way in, the query of an export, and the answer to an import."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from app.database.records import (
    Conversation,
    Setup,
    Status,
    StoredImage,
    StoredMessage,
    Tree,
)
from app.domain.generation import FinishReason, Timings, Usage
from app.domain.messages import Role
from app.domain.parts import Parts
from app.domain.titles import title_of
from app.domain.tools import ToolCall
from app.v1.models.messages import MOST_MESSAGES, ChatMessage, Text
from app.v1.models.options import STRICT, OptionsSchema
from app.v3.models.chat import NAME_PATTERN
from app.v4.config import LONGEST_TITLE, MOST_CALLS, MOST_IMAGES
from app.v4.models.chat import Metadata
from app.v4.models.prompt import given_options

Id = Annotated[str, Field(min_length=1, max_length=64)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Amount = Annotated[float, Field(ge=0, le=2**53)]


class ExportQuery(BaseModel):
    """In what form to export a conversation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["json", "markdown"] = Field(
        default="json",
        description="`json`: everything, for import. `markdown`: the current branch, for reading.",
    )


class PortableUsage(BaseModel):
    """Token counts of an answer."""

    model_config = STRICT

    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    cached_tokens: Count


class PortableTimings(BaseModel):
    """Milliseconds, and tokens per second."""

    model_config = STRICT

    queue_ms: Amount
    prompt_ms: Amount
    first_token_ms: Amount
    generation_ms: Amount
    total_ms: Amount
    tokens_per_second: Amount


class PortableImage(BaseModel):
    """A picture of a message; without `data` it is not imported. What the file itself tells is
    not believed."""

    model_config = STRICT

    data: str | None = None
    id: str | None = None
    sha256: str | None = None
    width: Count = 0
    height: Count = 0
    media_type: Literal["image/png", "image/jpeg", "image/webp", "image/gif"] = "image/png"
    tokens: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    filename: Text = ""
    ocr: Text = ""
    lens_keywords: Text = ""
    lens_local_keywords: Text = ""

    def to_domain(self) -> StoredImage:
        """Before it is decoded."""
        untold = {"data", "id", "sha256", "width", "height"}
        return StoredImage(sha256="", width=0, height=0, **self.model_dump(exclude=untold))


class PortableCall(BaseModel):
    """A call of a client's function."""

    model_config = STRICT

    id: Text
    name: Text
    arguments: Text

    def to_domain(self) -> ToolCall:
        return ToolCall(**dict(self))


class PortableParts(BaseModel):
    """What a message is made of beside words."""

    model_config = STRICT

    text: Text = ""
    reasoning: Text = ""
    calls: Annotated[list[PortableCall | None], Field(max_length=MOST_CALLS)] = []
    result_of: Text | None = None
    developer: bool = False

    def to_domain(self) -> Parts:
        calls = tuple(call.to_domain() if call else None for call in self.calls)
        return Parts(self.text, self.reasoning, calls, self.result_of, self.developer)


class PortableMessage(BaseModel):
    """One message of the tree."""

    model_config = STRICT

    id: Id
    parent_id: Id | None = None
    role: Role
    content: Text
    status: Status = "complete"
    created_at: AwareDatetime
    finish_reason: FinishReason | None = None
    usage: PortableUsage | None = None
    timings: PortableTimings | None = None
    images: Annotated[list[PortableImage], Field(max_length=MOST_IMAGES)] = []
    parts: PortableParts | None = None

    def to_domain(self, seq: int) -> StoredMessage:
        """The message in place `seq`, from 1."""
        fields: dict[str, Any] = dict(self)
        fields["images"] = tuple(image.to_domain() for image in self.images)
        if self.parts:
            fields["parts"] = self.parts.to_domain()
            fields["content"] = fields["parts"].shown
        if self.usage:
            fields["usage"] = Usage(**dict(self.usage))
        if self.timings:
            fields["timings"] = Timings(**dict(self.timings))
        return StoredMessage(**fields, seq=seq)


class PortableSetup(BaseModel):
    """What the model is told before the conversation."""

    model_config = STRICT

    template: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    head: Annotated[list[ChatMessage], Field(max_length=MOST_MESSAGES, fail_fast=True)] = []
    options: OptionsSchema | None = None

    @field_validator("options")
    @classmethod
    def check_text(cls, options: OptionsSchema | None) -> OptionsSchema | None:
        """No NUL, which no other text of a request may hold."""
        if options is not None and "\\u0000" in options.model_dump_json():
            raise PydanticCustomError("other", "not a text")
        return options

    def to_domain(self) -> Setup:
        """The same without its schema. SllmError `invalid_parameter` for a response schema that
        cannot be enforced."""
        head = tuple(message.to_domain() for message in self.head)
        return Setup(self.template, head, given_options(self.options))


class PortableConversation(BaseModel):
    """A conversation as this server exports it, all its branches included."""

    model_config = STRICT

    format: Literal["sllm.conversation"]
    version: Literal[1]
    id: str | None = None
    title: Annotated[str, Field(max_length=LONGEST_TITLE)] = ""
    metadata: Metadata = {}
    created_at: AwareDatetime
    updated_at: AwareDatetime
    setup: PortableSetup = PortableSetup()
    messages: Annotated[list[PortableMessage], Field(fail_fast=True)]
    current_message_id: Id | None = None

    @field_validator("messages")
    @classmethod
    def check_parents(cls, messages: list[PortableMessage]) -> list[PortableMessage]:
        """Each id once, and each parent before its children."""
        seen: set[str | None] = {None}
        for message in messages:
            if message.id in seen:
                raise PydanticCustomError("message_twice", "an id twice")
            if message.parent_id not in seen:
                raise PydanticCustomError("parent_later", "a parent that does not come before")
            seen.add(message.id)
        return messages

    @field_validator("current_message_id")
    @classmethod
    def check_current(cls, current: str | None, info: ValidationInfo) -> str | None:
        """The current message is one of them; where those are wrong, say only that."""
        known = {message.id for message in info.data.get("messages", ())}
        if current is not None and "messages" in info.data and current not in known:
            raise PydanticCustomError("current_unknown", "no such message")
        return current

    def to_tree(self) -> Tree:
        """The whole conversation. SllmError `invalid_parameter`."""
        conversation = Conversation(
            id="",
            title=self.title.strip() or _title(self.messages),
            metadata=self.metadata,
            template=self.setup.template,
            created_at=self.created_at,
            updated_at=self.updated_at,
            current_message_id=self.current_message_id,
            message_count=len(self.messages),
        )
        messages = tuple(each.to_domain(seq) for seq, each in enumerate(self.messages, 1))
        files = {
            each.id: tuple(image.data for image in each.images)
            for each in self.messages
            if each.images
        }
        return Tree(conversation, messages, self.setup.to_domain(), files)


def _title(messages: Sequence[PortableMessage]) -> str:
    """Where nothing has been said, the first words will give it one."""
    said = (message.content for message in messages if message.role == "user")
    return title_of(next(said, "")) if messages else ""


class SkippedSchema(BaseModel):
    """A conversation that was not imported."""

    index: int = Field(description="Its line, or its place in the array, from 1.", examples=[3])
    title: str | None = Field(description="Its title, where that could be read.")
    reason: str = Field(description="Plain words, in the language of Accept-Language.")


class ImportResponse(BaseModel):
    """What became of an import."""

    imported: int = Field(description="How many conversations are new.", examples=[2])
    skipped: list[SkippedSchema] = Field(description="What is missing, and why.")
    conversations: list[str] = Field(
        description="Ids of the new ones, in the order of the import.",
        examples=[["conv_5f2b9c1d3e4a5b6c7d8e9f0a1b2c3d4e"]],
    )
