"""Conversations and their messages as clients see them."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.database.records import Conversation, Order, Status, StoredMessage
from app.domain.generation import FinishReason
from app.domain.messages import Role
from app.v1.models.chat import TimingsSchema, UsageSchema
from app.v1.models.messages import SaidText
from app.v1.models.options import STRICT
from app.v3.models.pages import Number, PageQuery, PageSchema
from app.v4.config import LONGEST_QUERY
from app.v4.models.chat import Metadata, Title


class ConversationListQuery(PageQuery):
    """Which conversations to list, and in what order."""

    q: Annotated[str, Field(max_length=LONGEST_QUERY)] = Field(
        default="",
        description="Words that a title or a message holds, all of them; parts of words too.",
        examples=["날씨"],
    )
    order: Order = Field(default="updated_desc", description="Newest first, by either time.")
    metadata: Metadata = Field(
        default={}, description="Only those with these labels.", json_schema_extra={}
    )


class MessageListQuery(BaseModel):
    """Which of a conversation's messages to show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    all_branches: bool = Field(
        default=False, description="`true`: the whole tree instead of the current branch."
    )
    message_page: Number = Field(default=1, ge=1, le=1_000_000, description="Counts from 1.")
    message_page_size: Number | None = Field(
        default=None, ge=1, le=1000, description="Default: all messages on one page."
    )


class PreviewSchema(BaseModel):
    """The beginning of a conversation's current message."""

    role: Role = Field(description="Who said it.")
    preview: str = Field(description="At most 200 characters.", examples=["Because air"])


class ConversationSummary(BaseModel):
    """A conversation without its messages."""

    id: str = Field(examples=["conv_5f2b9c1d3e4a5b6c7d8e9f0a1b2c3d4e"])
    title: str = Field(description="Yours, or made from the first message.")
    created_at: datetime = Field(description="RFC 3339, UTC.")
    updated_at: datetime = Field(description="RFC 3339, UTC.")
    message_count: int = Field(description="Messages of all branches.", examples=[4])
    last_message: PreviewSchema | None = Field(description="The current branch's last one.")
    metadata: dict[str, str] = Field(description="Your labels.", examples=[{"project": "report"}])

    @classmethod
    def of(cls, found: Conversation) -> Self:
        """The same as a schema."""
        last = found.last_message
        return cls(
            id=found.id,
            title=found.title,
            created_at=found.created_at,
            updated_at=found.updated_at,
            message_count=found.message_count,
            last_message=PreviewSchema(role=last.role, preview=last.preview) if last else None,
            metadata=found.metadata,
        )


class MessageSchema(BaseModel):
    """One message of the tree."""

    id: str = Field(examples=["msg_0a1b2c3d4e5f60718293a4b5c6d7e8f9"])
    parent_id: str | None = Field(description="The message that it follows; null at the root.")
    role: Role = Field(description="Who said it.")
    content: str = Field(description="The text; of an unfinished answer what there is of it.")
    images: list[str] = Field(description="Ids of its images.")
    status: Status = Field(
        description="`interrupted`: cut by a disconnect, a deadline or a crash. `failed`: an "
        "error. `pending`: being written now."
    )
    finish_reason: FinishReason | None = Field(description="Of a whole answer.")
    usage: UsageSchema | None = Field(description="Of a whole answer.")
    timings: TimingsSchema | None = Field(description="Of a whole answer.")
    created_at: datetime = Field(description="RFC 3339, UTC.")

    @classmethod
    def of(cls, message: StoredMessage) -> Self:
        """The same as a schema."""
        usage, timings = message.usage, message.timings
        return cls(
            id=message.id,
            parent_id=message.parent_id,
            role=message.role,
            content=message.content,
            images=[image.id for image in message.images],
            status=message.status,
            finish_reason=message.finish_reason,
            usage=UsageSchema.model_validate(usage) if usage else None,
            timings=TimingsSchema.model_validate(timings) if timings else None,
            created_at=message.created_at,
        )


class ConversationSchema(ConversationSummary):
    """A conversation with its messages, oldest first."""

    template: str | None = Field(description="The template that it goes on with.")
    system: str | None = Field(description="The system prompt that it goes on with.")
    current_message_id: str | None = Field(description="Where the current branch ends.")
    messages: list[MessageSchema] = Field(description="Along the current branch, or all.")
    message_total: int = Field(description="Messages on all pages.")
    message_page: int = Field(description="This page.")
    message_pages: int = Field(description="How many pages there are; 0 without messages.")


class ConversationPageSchema(PageSchema):
    """A page of conversations."""

    items: list[ConversationSummary] = Field(description="Newest first.")


class ConversationPatch(BaseModel):
    """What to change; at least one of them."""

    model_config = STRICT | ConfigDict(json_schema_extra={"examples": [{"title": "Sky"}]})

    title: Title = Field(default="", description="A new title.")
    metadata: Metadata = Field(default={}, description="New labels, in place of all old ones.")
    current_message_id: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        default="", description="Go on from this message: its branch becomes the current one."
    )

    @model_validator(mode="after")
    def check_something(self) -> Self:
        """A patch that changes nothing is a mistake."""
        if not self.model_fields_set:
            raise PydanticCustomError("patch_empty", "nothing to change")
        return self


class MessagePatch(BaseModel):
    """Other words for a message."""

    model_config = STRICT

    content: SaidText = Field(description="They become a sibling of the message.")


class DeleteQuery(BaseModel):
    """The consent to deleting everything; a filter beside it would promise less."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    confirm: Literal["all"] = Field(description="`all`, so that nobody does this by accident.")


class Deleted(BaseModel):
    """How many conversations are gone."""

    deleted: int = Field(examples=[3])
