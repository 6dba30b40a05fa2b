"""Spans as a collector gets them, over OTLP on loopback; no text of a user is among them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support import Server, running

CANARY = "xylophone-secret"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Collector:
    """What came, as it came, and every span in it."""

    def __init__(self, address: str, bodies: list[bytes]) -> None:
        self.address, self.bodies = address, bodies

    def spans(self) -> list[Any]:
        found = []
        for body in list(self.bodies):
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    found += scope.spans
        return found

    def span(self, start: str) -> Any:
        """The newest whose name begins so."""
        return [span for span in self.spans() if span.name.startswith(start)][-1]


@contextmanager
def collecting() -> Iterator[Collector]:
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            bodies.append(self.rfile.read(length))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Collector(f"http://127.0.0.1:{server.server_port}", bodies)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Server]:
    settings = {
        "SLLM_MODEL_PATH": "scripted",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    }
    with running(tmp_path_factory.mktemp("traced"), settings) as server:
        yield server


def told(span: Any) -> dict[str, Any]:
    """Its attributes as plain values."""
    found = {}
    for each in span.attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        if kind == "array_value":
            value = [one.string_value for one in value.values]
        found[each.key] = value
    return found


def test_a_chat_is_a_request_and_a_generation_below_it(
    traced: Server, collector: Collector
) -> None:
    body = {"message": f"{CANARY} #words=5", "max_tokens": 9, "temperature": 0.5, "seed": 7}
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    answer = traced.http.post("/api/v2/chat", json=body, headers=headers)
    traced.wait_until(lambda: any(s.name == "POST /api/v2/chat" for s in collector.spans()))
    request, generation = collector.span("POST /api/v2/chat"), collector.span("chat scripted")
    assert request.trace_id.hex() == generation.trace_id.hex() == TRACE
    assert request.parent_span_id.hex() == PARENT
    assert generation.parent_span_id == request.span_id
    of_request, of_generation = told(request), told(generation)
    assert of_request["http.route"] == "/api/v2/chat"
    assert of_request["http.response.status_code"] == 200
    assert of_request["sllm.request_id"] == answer.headers["x-request-id"]
    assert of_generation["gen_ai.operation.name"] == "chat"
    assert of_generation["gen_ai.request.model"] == "scripted"
    assert of_generation["gen_ai.request.max_tokens"] == 9
    assert of_generation["gen_ai.request.temperature"] == 0.5
    assert of_generation["gen_ai.request.seed"] == 7
    assert of_generation["gen_ai.response.id"] == answer.json()["id"]
    assert of_generation["gen_ai.response.finish_reasons"] == ["stop"]
    assert of_generation["gen_ai.usage.input_tokens"] == answer.json()["usage"]["prompt_tokens"]
    assert of_generation["gen_ai.usage.output_tokens"] == 5
    assert [event.name for event in generation.events][-1] == "sllm.first_token"


def test_a_stream_and_the_dialect_of_openai_are_traced(
    traced: Server, collector: Collector
) -> None:
    body = {"model": "scripted", "messages": [{"role": "user", "content": CANARY}], "stream": True}
    traced.http.post("/v1/chat/completions", json=body)
    route = "POST /v1/chat/completions"
    traced.wait_until(lambda: any(s.name == route for s in collector.spans()))
    request, generation = collector.span(route), collector.span("chat scripted")
    assert generation.parent_span_id == request.span_id


def test_errors_have_their_code(traced: Server, collector: Collector) -> None:
    traced.http.post("/api/v1/chat", json={"message": CANARY, "unknown": 1})
    traced.wait_until(lambda: any(s.name == "POST /api/v1/chat" for s in collector.spans()))
    span = collector.span("POST /api/v1/chat")
    assert told(span)["error.type"] == "invalid_request"
    assert told(span)["http.response.status_code"] == 422


def test_health_checks_are_not_traced(traced: Server, collector: Collector) -> None:
    traced.health()
    traced.chat("after it")
    traced.wait_until(lambda: len(collector.spans()) > 0)
    assert not [span for span in collector.spans() if "health" in span.name]


def test_no_text_of_a_user_is_sent(traced: Server, collector: Collector) -> None:
    traced.http.post("/api/v4/chat", json={"message": CANARY, "title": CANARY})
    traced.http.get("/api/v4/conversations", params={"q": CANARY})
    traced.wait_until(lambda: any("conversations" in s.name for s in collector.spans()))
    assert not [body for body in collector.bodies if CANARY.encode() in body]


def test_a_collector_that_is_gone_holds_nobody_up(tmp_path: Path) -> None:
    settings = {"SLLM_MODEL_PATH": "scripted", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with running(tmp_path, settings) as server:
        assert server.chat("hello").status_code == 200
    # uvicorn ends by the signal that it was sent; killed would be another.
    assert server.process.returncode in (0, -signal.SIGTERM)
