"""The bodies and queries of `/v1/conversations`, and the queries of a response's input items."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.openai.models.items import AnyItem, ReferenceItem
from app.openai.models.messages import Id
from app.openai.models.responses import Include
from app.v1.models.options import STRICT
from app.v3.models.pages import Number
from app.v4.models.chat import Metadata

MOST_ITEMS = 20
NewItems = Annotated[list[AnyItem], Field(max_length=MOST_ITEMS)]


class ConversationBody(BaseModel):
    """A new conversation."""

    model_config = STRICT | ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"role": "user", "content": "Hello!"}], "metadata": {}}]
        }
    )

    items: NewItems | None = Field(default=None, description="What it begins with.")
    metadata: Metadata | None = Field(default=None, description="Labels, as in v4.")


class ConversationChange(BaseModel):
    """New labels, in place of all old ones."""

    model_config = STRICT

    metadata: Metadata | None


class ItemsBody(BaseModel):
    """More items for the end of a conversation."""

    model_config = STRICT

    items: Annotated[NewItems, Field(min_length=1)]

    @model_validator(mode="after")
    def check_items(self) -> Self:
        """What is kept already is not kept twice."""
        if any(isinstance(item, ReferenceItem) for item in self.items):
            raise PydanticCustomError("kind_unknown", "no references here")
        return self


class IncludeQuery(BaseModel):
    """Accepted: there is nothing more to tell."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    include: list[Include] | None = None
    bracketed: list[Include] | None = Field(
        default=None, alias="include[]", description="As OpenAI's clients write it."
    )


class ItemQuery(IncludeQuery):
    """Which items, in what order."""

    limit: Number = Field(default=20, ge=1, le=100)
    order: Literal["asc", "desc"] = Field(default="desc", description="Oldest first, or newest.")
    after: Id | None = Field(default=None, description="An item's id: those that follow it.")


class ResponseQuery(IncludeQuery):
    """How to tell of a response."""

    stream: Literal["false"] | None = Field(
        default=None, description="Not supported: what is kept comes whole."
    )
    include_obfuscation: Literal["true", "false"] | None = Field(
        default=None, description="Accepted; nothing is padded."
    )
