"""What is answered of kept items: the items themselves, pages of them, responses, conversations."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, Tag

from app.openai.models.answers import TokenSchema
from app.openai.models.kinds import by

Status = Literal["in_progress", "completed", "incomplete"]
Labels = Annotated[dict[str, str], Field(description="Your labels.")]


class KeptText(BaseModel):
    """Words: `input_text` of a client, `output_text` of a model."""

    type: Literal["input_text", "output_text"]
    text: str
    annotations: list[Any] = []
    logprobs: list[TokenSchema] = []


class KeptImage(BaseModel):
    """An image; `GET /api/v5/images/{file_id}` gives it."""

    type: Literal["input_image"]
    file_id: str | None
    image_url: str | None
    detail: Literal["auto"]


class KeptMessage(BaseModel):
    """Something that was said."""

    id: str = Field(examples=["msg_0a1b2c3d4e5f60718293a4b5c6d7e8f9"])
    type: Literal["message"]
    role: Literal["user", "assistant", "system", "developer"]
    status: Status
    content: list[
        Annotated[
            Annotated[KeptText, Tag("@text")] | Annotated[KeptImage, Tag("@image")],
            by(
                "type",
                {"input_text": "@text", "output_text": "@text", "input_image": "@image"},
            ),
        ]
    ]


class KeptCall(BaseModel):
    """A call of a function, which is for the client to run."""

    id: str = Field(examples=["fc_0a1b2c3d4e5f60718293a4b5c6d7e8f9_0"])
    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str = Field(description="JSON, as the model wrote it.")
    status: Status


class KeptResult(BaseModel):
    """What came of a call."""

    id: str = Field(examples=["fco_0a1b2c3d4e5f60718293a4b5c6d7e8f9"])
    type: Literal["function_call_output"]
    call_id: str
    output: str
    status: Status


class KeptThought(BaseModel):
    """A piece of reasoning."""

    type: Literal["reasoning_text", "summary_text"]
    text: str


class KeptReasoning(BaseModel):
    """What the model thought."""

    id: str = Field(examples=["rs_0a1b2c3d4e5f60718293a4b5c6d7e8f9"])
    type: Literal["reasoning"]
    summary: list[KeptThought]
    content: list[KeptThought]
    status: Status


AnyKeptItem = Annotated[
    Annotated[KeptMessage, Tag("@message")]
    | Annotated[KeptCall, Tag("@call")]
    | Annotated[KeptResult, Tag("@result")]
    | Annotated[KeptReasoning, Tag("@reasoning")],
    by(
        "type",
        {"message": "@message", "function_call": "@call"}
        | {"function_call_output": "@result", "reasoning": "@reasoning"},
    ),
]


class ItemPage(BaseModel):
    """Some items in order."""

    object: Literal["list"]
    data: list[AnyKeptItem]
    first_id: str | None
    last_id: str | None
    has_more: bool


class CachedDetails(BaseModel):
    """Of the prompt's tokens."""

    cached_tokens: int = Field(description="Prompt tokens that were not prefilled again.")
    cache_write_tokens: int = 0


class ReasoningDetails(BaseModel):
    """Of the answer's tokens."""

    reasoning_tokens: int = Field(description="By their share of the text.")


class ResponseUsage(BaseModel):
    """Token counts."""

    input_tokens: int
    input_tokens_details: CachedDetails
    output_tokens: int
    output_tokens_details: ReasoningDetails
    total_tokens: int


class ResponseError(BaseModel):
    """Why there is no whole answer."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class IncompleteDetails(BaseModel):
    """Why it is not the whole answer."""

    reason: Literal["max_output_tokens", "content_filter", "interrupted"] = Field(
        description="`interrupted`: its client went away, or its time was over."
    )


class ConversationId(BaseModel):
    """Where it is kept."""

    id: str = Field(examples=["conv_5f2b9c1d3e4a5b6c7d8e9f0a1b2c3d4e"])


class ResponseSchema(BaseModel):
    """A response: what was asked for, and what came of it."""

    id: str = Field(examples=["resp_0a1b2c3d4e5f60718293a4b5c6d7e8f9"])
    object: Literal["response"]
    created_at: int = Field(description="Seconds since 1970.")
    status: Literal["completed", "failed", "in_progress", "cancelled", "queued", "incomplete"]
    background: bool
    error: ResponseError | None
    incomplete_details: IncompleteDetails | None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    model: str
    output: list[AnyKeptItem]
    parallel_tool_calls: bool
    previous_response_id: str | None
    conversation: ConversationId | None
    prompt_cache_key: str | None
    reasoning: dict[str, Any]
    safety_identifier: str | None
    service_tier: Literal["default"]
    store: bool
    temperature: float | None
    text: dict[str, Any]
    tool_choice: Any
    tools: list[dict[str, Any]]
    top_logprobs: int
    top_p: float | None
    truncation: Literal["auto", "disabled"]
    usage: ResponseUsage | None
    user: str | None
    metadata: Labels


class ResponseDeleted(BaseModel):
    """A response that is gone."""

    id: str
    object: Literal["response"]
    deleted: bool


class KeptConversation(BaseModel):
    """A conversation; its items are apart."""

    id: str = Field(examples=["conv_5f2b9c1d3e4a5b6c7d8e9f0a1b2c3d4e"])
    object: Literal["conversation"]
    created_at: int = Field(description="Seconds since 1970.")
    metadata: Labels


class ConversationDeleted(BaseModel):
    """A conversation that is gone."""

    id: str
    object: Literal["conversation.deleted"]
    deleted: bool
