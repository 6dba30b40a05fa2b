"""A span of each generation, by the semantic conventions of generative AI (`gen_ai.*`). No text of
a user or a model is in it: no message, no stop text, no schema."""

import time

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue

from app.domain.errors import SllmError
from app.domain.generation import (
    Accepted,
    Finished,
    GenerationEvent,
    GenerationRequest,
    Queued,
    Token,
)
from app.domain.options import GenerationOptions

OPERATION, PROVIDER = "chat", "sllm"


class GenerationTraces:
    """A GenerationObserver."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(
        self, engine: str, model: str | None, request: GenerationRequest
    ) -> "TracedGeneration":
        name = f"{OPERATION} {model}" if model else OPERATION
        known = wanted(engine, model, request)
        # The engine is another process, so the request to it is a client's.
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=known)
        return TracedGeneration(span, model, request)


def wanted(engine: str, model: str | None, request: GenerationRequest) -> dict[str, AttributeValue]:
    """What was asked for, in the names of the conventions."""
    options = request.options
    found: dict[str, AttributeValue | None] = {
        "gen_ai.operation.name": OPERATION,
        "gen_ai.provider.name": PROVIDER,
        "gen_ai.request.model": model,
        "gen_ai.output.type": output_type(options),
        "gen_ai.request.max_tokens": options.max_tokens,
        "gen_ai.request.temperature": options.temperature,
        "gen_ai.request.top_p": options.top_p,
        "gen_ai.request.top_k": options.top_k,
        "gen_ai.request.frequency_penalty": options.frequency_penalty,
        "gen_ai.request.presence_penalty": options.presence_penalty,
        "gen_ai.request.seed": options.seed,
        "sllm.engine": engine,
    }
    return {name: value for name, value in found.items() if value is not None}


def output_type(options: GenerationOptions) -> str:
    """`text` or `json`."""
    return "text" if options.response_format.type == "text" else "json"


class TracedGeneration:
    """A GenerationWatch."""

    def __init__(self, span: Span, model: str | None, request: GenerationRequest) -> None:
        self._span = span
        self._model = model
        self._request = request
        self._position = 0
        self._has_token = False
        self._finished = False

    def event(self, event: GenerationEvent) -> None:
        match event:
            case Token() if not self._has_token:
                self._first_token()
            case Accepted(context=context):
                self._span.set_attribute("gen_ai.usage.input_tokens", context.prompt_tokens)
                self._span.set_attribute("sllm.context.dropped_messages", context.dropped_messages)
            case Queued(position=position) if position != self._position:
                self._position = position
                self._span.add_event("sllm.queue", {"sllm.queue.position": position})
            case Finished():
                self._complete(event)

    def ended(self, error: SllmError | None) -> None:
        if error is not None:
            self._span.set_attribute("error.type", error.code)
            self._span.set_status(StatusCode.ERROR)
        elif not self._finished:
            self._span.set_attribute("sllm.cancelled", value=True)
        self._span.end()

    def _first_token(self) -> None:
        self._has_token = True
        seconds = max(0.0, time.monotonic() - self._request.arrived_at)
        self._span.add_event("sllm.first_token")
        self._span.set_attribute("gen_ai.response.time_to_first_chunk", seconds)

    def _complete(self, end: Finished) -> None:
        self._finished = True
        known: dict[str, AttributeValue] = {
            "gen_ai.response.finish_reasons": [end.finish_reason],
            "gen_ai.usage.output_tokens": end.usage.completion_tokens,
            "gen_ai.usage.cache_read.input_tokens": end.usage.cached_tokens,
            "sllm.queue.duration": end.timings.queue_ms / 1000,
            "sllm.prefill.duration": end.timings.prompt_ms / 1000,
        }
        if self._model:
            known["gen_ai.response.model"] = self._model
        if self._request.id:
            known["gen_ai.response.id"] = self._request.id
        self._span.set_attributes(known)
