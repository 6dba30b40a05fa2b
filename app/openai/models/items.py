"""The items that clients of `/v1/responses` and `/v1/conversations` send: messages, calls of their
functions and what came of them, reasoning that they give back, and references to kept items."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from app.openai.config import MOST_PARTS
from app.openai.models.hints import CacheBreakpoint
from app.openai.models.kinds import by, text_or_list
from app.openai.models.messages import Id, RefusalPart, ToolName
from app.v1.models.messages import Text
from app.v1.models.options import STRICT

Status = Literal["in_progress", "completed", "incomplete"]
Untold = Annotated[list[Any], Field(max_length=MOST_PARTS)]


class InputText(BaseModel):
    """Words. `output_text` are an assistant's; what else it says of them is not kept."""

    model_config = STRICT

    type: Literal["input_text", "output_text", "text"]
    text: Text
    prompt_cache_breakpoint: CacheBreakpoint | None = None
    annotations: Untold | None = None
    logprobs: Untold | None = None


class InputImage(BaseModel):
    """An image: exactly one of `image_url` and `file_id`."""

    model_config = STRICT

    type: Literal["input_image"]
    image_url: str | None = Field(
        default=None,
        min_length=1,
        description="A `data:` URL, or an address on a host that IMAGE_URL_HOSTS lists.",
        examples=["data:image/png;base64,iVBORw0KGgo…"],
    )
    file_id: Id | None = Field(
        default=None,
        description="An image of yours that is kept already.",
        examples=["img_0a1b2c3d4e5f60718293a4b5c6d7e8f9"],
    )
    detail: Literal["auto", "low", "high", "original"] | None = Field(
        default=None, description="Accepted; the model that sees has one way of looking."
    )
    prompt_cache_breakpoint: CacheBreakpoint | None = None

    @model_validator(mode="after")
    def check_one(self) -> "InputImage":
        """Not both, not neither."""
        if (self.image_url is None) == (self.file_id is None):
            raise PydanticCustomError("image_or_file", "exactly one of image_url and file_id")
        return self


class OtherInput(BaseModel):
    """What OpenAI takes and no engine here does."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: Literal["input_file", "input_audio"]


TEXTS = {"input_text": "@text", "output_text": "@text", "text": "@text"}
InputParts = Annotated[
    list[
        Annotated[
            Annotated[InputText, Tag("@text")]
            | Annotated[RefusalPart, Tag("@refusal")]
            | Annotated[InputImage, Tag("@image")]
            | Annotated[OtherInput, Tag("@other")],
            by(
                "type",
                TEXTS
                | {"refusal": "@refusal", "input_image": "@image"}
                | {"input_file": "@other", "input_audio": "@other"},
            ),
        ]
    ],
    Field(max_length=MOST_PARTS, fail_fast=True),
]
Content = Annotated[
    Annotated[Text, Tag("@text")] | Annotated[InputParts, Tag("@list")], text_or_list()
]


class KeptItem(BaseModel):
    """What an item that was answered once may still carry; all of it is made anew."""

    model_config = STRICT

    id: Id | None = Field(default=None, description="Accepted; items that are kept get new ones.")
    status: Status | None = None


class MessageItem(KeptItem):
    """Something that was said."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Content
    phase: Literal["commentary", "final_answer"] | None = None


class CallItem(KeptItem):
    """A call that the model made."""

    type: Literal["function_call"]
    call_id: Id
    name: ToolName
    arguments: Text
    namespace: None = None
    caller: None = None


class ResultItem(KeptItem):
    """What came of a call."""

    type: Literal["function_call_output"]
    call_id: Id
    output: Content
    name: ToolName | None = None
    namespace: None = None
    caller: None = None


class ThoughtPart(BaseModel):
    """A piece of reasoning."""

    model_config = STRICT

    type: Literal["summary_text", "reasoning_text"]
    text: Text


class ReasoningItem(KeptItem):
    """What the model thought; kept with the answer, and not shown to the model again."""

    type: Literal["reasoning"]
    summary: Annotated[list[ThoughtPart], Field(max_length=MOST_PARTS)] = []
    content: Annotated[list[ThoughtPart], Field(max_length=MOST_PARTS)] | None = None
    encrypted_content: Text | None = Field(default=None, description="Accepted, not used.")


class ReferenceItem(BaseModel):
    """An item that is kept here."""

    model_config = STRICT

    type: Literal["item_reference"] | None = None
    id: Id


KINDS = {
    "message": "@message",
    "function_call": "@call",
    "function_call_output": "@result",
    "reasoning": "@reasoning",
    "item_reference": "@reference",
}


def _kind(value: Any) -> str | None:
    if isinstance(value, BaseModel):
        return KINDS[getattr(value, "type", None) or "item_reference"]
    if not isinstance(value, dict):
        return None
    kind = value.get("type")
    if kind is None:
        return "@message" if "role" in value else "@reference"
    return KINDS.get(kind) if isinstance(kind, str) else None


AnyItem = Annotated[
    Annotated[MessageItem, Tag("@message")]
    | Annotated[CallItem, Tag("@call")]
    | Annotated[ResultItem, Tag("@result")]
    | Annotated[ReasoningItem, Tag("@reasoning")]
    | Annotated[ReferenceItem, Tag("@reference")],
    Discriminator(_kind, custom_error_type="kind_unknown", custom_error_message="unknown kind"),
]
