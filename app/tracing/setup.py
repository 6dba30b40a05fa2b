"""From the standard OTEL_* variables to a tracer; without them nothing is imported or measured."""

import logging
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from app import __version__

if TYPE_CHECKING:
    from app.tracing.traces import Traces

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"
# For what is not sent yet when the server ends; a collector that is gone must not hold it up.
FLUSH_SECONDS = 5.0
log = logging.getLogger(__name__)


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the variables ask for traces by OTLP."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    named = any(environment.get(name) for name in ENDPOINTS)
    return not disabled and (exporter == "otlp" or (named and exporter == ""))


def traces() -> "Traces | None":
    """Those of this process; None where nobody asked, or, with a warning, where they cannot be."""
    if not wanted(os.environ):
        return None
    protocol = next((os.environ[name] for name in PROTOCOLS if os.environ.get(name)), SPOKEN)
    if protocol != SPOKEN:
        log.warning(
            "no traces: OTEL_EXPORTER_OTLP_PROTOCOL is %s, only %s is there", protocol, SPOKEN
        )
        return None
    try:
        from app.tracing.traces import Traces
    except ImportError:
        log.warning("no traces: OpenTelemetry is not installed; it is the extra named otel")
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = Resource.create({"service.name": "sllm", "service.version": __version__})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(provider)


def finish(found: "Traces | None") -> None:
    """Send what is left, within FLUSH_SECONDS."""
    if found is not None:
        thread = threading.Thread(target=found.provider.shutdown, daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)
