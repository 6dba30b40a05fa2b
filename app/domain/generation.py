"""What a generation is asked for and what it yields, from the queue to the last token."""

from typing import Literal

from msgspec import Struct

from app.domain.logprobs import TokenLogprob
from app.domain.messages import Message
from app.domain.options import ContextPolicy, GenerationOptions
from app.domain.tools import Tool

FinishReason = Literal["stop", "length", "content_filter"]


class GenerationRequest(Struct, frozen=True):
    """One answer wanted. The last message is the newest user message and is always kept, as are
    the first `head` messages and a system message at the front. `tools` are shown to the model.
    `continues`: the only message is a text to be continued, without a chat template.

    `client` is the unit of fairness and rate limits (an API key's id or an address), `owner`
    the tenant whose cached prefixes may be reused, `conversation` the id under which this
    one may be kept on disk (empty: it may not). `arrived_at` is CLOCK_MONOTONIC seconds,
    which every process of this machine shares; `deadline_seconds` counts from then. `id` is the
    answer's, `request_id` the HTTP request's: for logs and traces.
    """

    messages: tuple[Message, ...]
    options: GenerationOptions
    client: str
    owner: str = "local"
    conversation: str = ""
    context_policy: ContextPolicy = "drop_oldest"
    max_history: int = 100
    head: int = 0
    arrived_at: float = 0.0
    deadline_seconds: float = 300.0
    tools: tuple[Tool, ...] = ()
    continues: bool = False
    id: str = ""
    request_id: str = "-"


class ContextReport(Struct, frozen=True):
    """How the prompt fits the window, in tokens of the model's own tokenizer.

    `image_tokens` are what each image of the newest message takes of it.
    """

    window: int
    prompt_tokens: int
    policy: ContextPolicy
    dropped_messages: int
    dropped_tokens: int
    image_tokens: tuple[int, ...] = ()


class Usage(Struct, frozen=True):
    """Token counts; `cached_tokens` are prompt tokens that were not prefilled again."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int


class Timings(Struct, frozen=True):
    """Milliseconds, as API.md defines each; tokens per second over `generation_ms`."""

    queue_ms: float
    prompt_ms: float
    first_token_ms: float
    generation_ms: float
    total_ms: float
    tokens_per_second: float


class Accepted(Struct, frozen=True, tag="accepted"):
    """The request is valid, fits the window and has a place: always the first event."""

    context: ContextReport


class Queued(Struct, frozen=True, tag="queued"):
    """Waiting; `position` 1 is next. `estimated_wait_ms` is from recent requests."""

    position: int
    estimated_wait_ms: int


class Prefill(Struct, frozen=True, tag="prefill"):
    """Prompt tokens processed so far; sent only for prompts that take over a second."""

    processed: int
    total: int


class Token(Struct, frozen=True, tag="token", omit_defaults=True):
    """A piece of the answer: whole characters, one or more tokens. Only where `logprobs` were
    asked for may the text be empty: tokens are told of as they come, text when it is certain."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


class Finished(Struct, frozen=True, tag="finished"):
    """The last event of a generation that succeeded; `text` is the whole answer."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    context: ContextReport


GenerationEvent = Accepted | Queued | Prefill | Token | Finished
