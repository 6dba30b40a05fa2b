"""`POST /v1/completions`: its body, its answer, and the older form of log probabilities."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Tag

from app.domain.logprobs import MAX_LOGPROBS, TokenLogprob
from app.openai.config import MOST_PROMPTS
from app.openai.models.answers import UsageSchema
from app.openai.models.kinds import text_or_list
from app.openai.models.options import WritingSchema
from app.openai.models.streams import CHAT_STREAM
from app.v1.models.messages import SaidText
from app.v1.models.options import STRICT

EXAMPLES: list[JsonValue] = [
    {"model": "smollm2-135m-instruct", "prompt": "The sky is blue because", "max_tokens": 32}
]
Prompts = Annotated[
    Annotated[SaidText, Tag("@text")]
    | Annotated[list[SaidText], Field(min_length=1, max_length=MOST_PROMPTS), Tag("@list")],
    text_or_list(),
]


STREAM_EXAMPLE = """data: {"id":"cmpl-9f86…","object":"text_completion","created":1767225600,\
"model":"smollm2-135m-instruct","system_fingerprint":"fp_1c9f5a0b2e",\
"choices":[{"text":" air","index":0,"logprobs":null,"finish_reason":null}]}

data: [DONE]

"""
COMPLETION_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": CHAT_STREAM[200]["description"],
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": STREAM_EXAMPLE}},
    }
}


class CompletionRequest(WritingSchema):
    """A text to be continued: no chat template is put around it."""

    model_config = STRICT | ConfigDict(json_schema_extra={"examples": EXAMPLES})

    prompt: Prompts = Field(description="A text, or several, each continued on its own.")
    logprobs: int | None = Field(
        default=None, ge=0, le=MAX_LOGPROBS, description="Each token's, and this many others'."
    )
    echo: bool | None = Field(default=None, description="Not supported: only false.")
    best_of: int | None = Field(default=None, ge=1, description="Not supported: only `n`.")
    suffix: str | None = Field(default=None, description="Not supported: only an empty one.")

    def prompts(self) -> list[str]:
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt


class OldLogprobs(BaseModel):
    """Log probabilities as lists side by side; `text_offset` counts characters of the text."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]

    @classmethod
    def of(cls, told: Sequence[TokenLogprob], start: int = 0) -> Self:
        """`start` is where the first of them begins."""
        texts = [token.bytes.decode("utf-8", "replace") for token in told]
        offsets = [start + sum(map(len, texts[:place])) for place in range(len(texts))]
        tops = [
            {each.bytes.decode("utf-8", "replace"): each.logprob for each in token.top}
            for token in told
        ]
        return cls(
            tokens=texts,
            token_logprobs=[token.logprob for token in told],
            top_logprobs=tops,
            text_offset=offsets,
        )


class CompletionChoice(BaseModel):
    """One continuation."""

    text: str
    index: int
    logprobs: OldLogprobs | None
    finish_reason: Literal["stop", "length", "content_filter"] | None


class Completion(BaseModel):
    """Every continuation; a stream sends the same with pieces of the texts."""

    id: str = Field(examples=["cmpl-9f86d081884c7d659a2feaa0c55ad015"])
    object: Literal["text_completion"] = "text_completion"
    created: int = Field(description="Seconds since 1970.")
    model: str = Field(description="The model that answered.")
    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: UsageSchema | None = None
