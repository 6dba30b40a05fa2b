"""The messages of a chat completion as OpenAI's clients send them: texts or lists of parts."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Tag
from pydantic_core import PydanticCustomError

from app.openai.config import MOST_MESSAGES, MOST_PARTS
from app.openai.models.hints import CacheBreakpoint
from app.openai.models.kinds import by, text_or_list
from app.v1.models.messages import Text
from app.v1.models.options import STRICT

Name = Annotated[str, Field(max_length=256)]
Id = Annotated[str, Field(min_length=1, max_length=256)]
ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class TextPart(BaseModel):
    """A piece of text."""

    model_config = STRICT

    type: Literal["text"]
    text: Text
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class RefusalPart(BaseModel):
    """A refusal of an assistant: text as well."""

    model_config = STRICT

    type: Literal["refusal"]
    refusal: Text


class ImageUrl(BaseModel):
    """Where the image is, or what it is."""

    model_config = STRICT

    url: str = Field(
        min_length=1,
        description="A `data:` URL, or an address on a host that IMAGE_URL_HOSTS lists.",
        examples=["data:image/png;base64,iVBORw0KGgo…"],
    )
    detail: Literal["auto", "low", "high", "original"] | None = Field(
        default=None, description="Accepted; the model that sees has one way of looking."
    )


class ImagePart(BaseModel):
    """An image."""

    model_config = STRICT

    type: Literal["image_url"]
    image_url: ImageUrl
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class OtherPart(BaseModel):
    """What OpenAI takes and no engine here does."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: Literal["input_audio", "file"]


TextParts = Annotated[
    list[
        Annotated[
            Annotated[TextPart, Tag("@text")] | Annotated[RefusalPart, Tag("@refusal")],
            by("type", {"text": "@text", "refusal": "@refusal"}),
        ]
    ],
    Field(min_length=1, max_length=MOST_PARTS, fail_fast=True),
]
UserParts = Annotated[
    list[
        Annotated[
            Annotated[TextPart, Tag("@text")]
            | Annotated[ImagePart, Tag("@image")]
            | Annotated[OtherPart, Tag("@other")],
            by(
                "type",
                {"text": "@text", "image_url": "@image", "input_audio": "@other", "file": "@other"},
            ),
        ]
    ],
    Field(min_length=1, max_length=MOST_PARTS, fail_fast=True),
]
TextContent = Annotated[
    Annotated[Text, Tag("@text")] | Annotated[TextParts, Tag("@list")], text_or_list()
]
UserContent = Annotated[
    Annotated[Text, Tag("@text")] | Annotated[UserParts, Tag("@list")], text_or_list()
]


class InstructionMessage(BaseModel):
    """What the model is told to be."""

    model_config = STRICT

    role: Literal["system", "developer"]
    content: TextContent
    name: Name | None = Field(default=None, description="Accepted and not shown to the model.")


class UserMessage(BaseModel):
    """What a person says or shows."""

    model_config = STRICT

    role: Literal["user"]
    content: UserContent
    name: Name | None = Field(default=None, description="Accepted and not shown to the model.")


class FunctionCall(BaseModel):
    """The function that a call names, and its arguments as JSON text."""

    model_config = STRICT

    name: ToolName
    arguments: Text


class CallSchema(BaseModel):
    """A call that the assistant made."""

    model_config = STRICT

    id: Id
    type: Literal["function"] = "function"
    function: FunctionCall
    index: int | None = Field(default=None, description="As some clients keep it; not used.")


class AssistantMessage(BaseModel):
    """An earlier answer."""

    model_config = STRICT

    role: Literal["assistant"]
    content: TextContent | None = None
    tool_calls: Annotated[list[CallSchema], Field(max_length=MOST_PARTS)] | None = None
    refusal: Text | None = None
    name: Name | None = Field(default=None, description="Accepted and not shown to the model.")
    reasoning_content: Text | None = Field(
        default=None, description="Accepted; earlier thoughts are not shown to the model again."
    )
    audio: None = None
    function_call: None = None
    annotations: list[Any] | None = Field(default=None, max_length=MOST_PARTS)


class ToolMessage(BaseModel):
    """What a tool found out."""

    model_config = STRICT

    role: Literal["tool"]
    content: TextContent
    tool_call_id: Id
    name: Name | None = Field(default=None, description="Accepted and not shown to the model.")


AnyMessage = Annotated[
    Annotated[InstructionMessage, Tag("@instruction")]
    | Annotated[UserMessage, Tag("@user")]
    | Annotated[AssistantMessage, Tag("@assistant")]
    | Annotated[ToolMessage, Tag("@tool")],
    by(
        "role",
        {"system": "@instruction", "developer": "@instruction"}
        | {"user": "@user", "assistant": "@assistant", "tool": "@tool"},
    ),
]


def check_calls(messages: list[AnyMessage]) -> list[AnyMessage]:
    """A tool answers a call that was made; the last word is not the assistant's."""
    made: set[str] = set()
    for message in messages:
        if isinstance(message, AssistantMessage):
            made |= {call.id for call in message.tool_calls or ()}
        elif isinstance(message, ToolMessage) and message.tool_call_id not in made:
            raise PydanticCustomError("tool_without_call", "answers no call")
    if isinstance(messages[-1], AssistantMessage):
        raise PydanticCustomError("last_is_assistant", "the last message is an answer")
    return messages


class MessagesSchema(BaseModel):
    """The conversation, oldest first."""

    model_config = STRICT

    messages: Annotated[
        list[AnyMessage],
        Field(min_length=1, max_length=MOST_MESSAGES, fail_fast=True),
        AfterValidator(check_calls),
    ] = Field(
        description="The conversation so far, the newest last.",
        examples=[[{"role": "user", "content": "Why is the sky blue?"}]],
    )
