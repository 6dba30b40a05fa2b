"""The observers that make spans: one of each request, below it one of each generation."""

from opentelemetry.sdk.trace import TracerProvider

from app import __version__
from app.tracing.generations import GenerationTraces
from app.tracing.requests import RequestTraces


class Traces:
    """Of one process; `provider` sends them away in a thread of its own."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        tracer = provider.get_tracer("sllm", __version__)
        self.requests = RequestTraces(tracer)
        self.generations = GenerationTraces(tracer)
