"""A span of each request, by the semantic conventions of HTTP servers; a caller's trace is
continued (W3C `traceparent`). Query strings, bodies and header values stay out."""

from collections.abc import Callable

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from starlette.types import Scope

from app.edge.access_log import CLIENT_LEFT, plain_path
from app.edge.observation import RequestEnd
from app.edge.route_names import method_of
from app.logs.context import trace_id

# Asked every few seconds by machines: they would hide the rest.
QUIET = ("/health", "/metrics")
FIELDS = (b"traceparent", b"tracestate", b"baggage", b"b3")


class RequestTraces:
    """A RequestObserver."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, scope: Scope) -> Callable[[RequestEnd], None]:
        if str(scope["path"]).startswith(QUIET):
            return lambda _: None
        span = self._tracer.start_span(
            method_of(scope),
            propagate.extract(carrier(scope)),
            SpanKind.SERVER,
            attributes(scope),
        )
        token = context.attach(trace.set_span_in_context(span))
        logged = trace_id.set(trace.format_trace_id(span.get_span_context().trace_id))

        def ended(end: RequestEnd) -> None:
            describe(span, end)
            trace_id.reset(logged)
            context.detach(token)

        return ended


def carrier(scope: Scope) -> dict[str, str]:
    """The headers of a caller's trace; one that came twice is not trusted."""
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        if name in FIELDS:
            found.setdefault(name.decode(), []).append(value.decode("latin-1"))
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def attributes(scope: Scope) -> dict[str, str]:
    """What is known before the request is routed."""
    return {
        "http.request.method": method_of(scope),
        "url.path": plain_path(scope),
        "url.scheme": str(scope.get("scheme", "http")),
        "network.protocol.version": str(scope.get("http_version", "1.1")),
        "sllm.request_id": str(scope.get("state", {}).get("request_id", "")),
    }


def describe(span: Span, end: RequestEnd) -> None:
    """Complete a span and end it."""
    span.update_name(f"{end.method} {end.route}")
    span.set_attribute("http.route", end.route)
    if end.status != CLIENT_LEFT:
        span.set_attribute("http.response.status_code", end.status)
    error = end.error or (str(end.status) if end.status >= 500 else "")
    if error:
        span.set_attribute("error.type", error)
    if end.status >= 500:
        span.set_status(StatusCode.ERROR)
    span.end()
