"""What `POST /v1/chat/completions` answers, and the pieces that a stream sends."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel, Field

from app.domain.generation import Usage
from app.domain.logprobs import Alternative, TokenLogprob
from app.domain.tools import ToolCall


class TokenDetails(BaseModel):
    """Of the prompt's tokens."""

    cached_tokens: int = Field(description="Prompt tokens that were not prefilled again.")


class UsageSchema(BaseModel):
    """Token counts of a request; the prompt counts once, however many answers there are."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: TokenDetails

    @classmethod
    def of(cls, usages: Sequence[Usage], count: int = 0) -> Self:
        """Of all answers, `count` to each prompt; 0: all to one."""
        prompts = usages[:: count or len(usages)]
        prompt = sum(usage.prompt_tokens for usage in prompts)
        completion = sum(usage.completion_tokens for usage in usages)
        return cls(
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=prompt + completion,
            prompt_tokens_details=TokenDetails(cached_tokens=sum(u.cached_tokens for u in prompts)),
        )


class AlternativeSchema(BaseModel):
    """A token that might have come."""

    token: str
    logprob: float
    bytes: list[int]

    @classmethod
    def of(cls, token: Alternative) -> Self:
        return cls(**_facts(token))


class TokenSchema(AlternativeSchema):
    """A token that came."""

    top_logprobs: list[AlternativeSchema]

    @classmethod
    def told(cls, token: TokenLogprob) -> Self:
        return cls(**_facts(token), top_logprobs=[*map(AlternativeSchema.of, token.top)])


def _facts(token: Alternative | TokenLogprob) -> dict[str, object]:
    text = token.bytes.decode("utf-8", "replace")
    return {"token": text, "logprob": token.logprob, "bytes": list(token.bytes)}


class LogprobsSchema(BaseModel):
    """How likely each token was."""

    content: list[TokenSchema]
    refusal: None = None


class FunctionSchema(BaseModel):
    """Which function, with which arguments as JSON text."""

    name: str
    arguments: str


class CallSchema(BaseModel):
    """A call of a tool."""

    id: str = Field(examples=["call_9f86d081884c7d659a2feaa0"])
    type: Literal["function"] = "function"
    function: FunctionSchema

    @classmethod
    def of(cls, call: ToolCall) -> Self:
        named = FunctionSchema(name=call.name, arguments=call.arguments)
        return cls(id=call.id, type="function", function=named)


class AnswerMessage(BaseModel):
    """What the model said."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    reasoning_content: str = Field(default="", description="Its thoughts, where it tells them.")
    tool_calls: list[CallSchema] = Field(default=[], description="The calls that it wants.")


class ChoiceSchema(BaseModel):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: LogprobsSchema | None
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"]


class ChatCompletion(BaseModel):
    """The whole answer."""

    id: str = Field(examples=["chatcmpl-9f86d081884c7d659a2feaa0c55ad015"])
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(description="Seconds since 1970.")
    model: str = Field(description="The model that answered.")
    choices: list[ChoiceSchema]
    usage: UsageSchema
    service_tier: Literal["default"] = "default"
    system_fingerprint: str
