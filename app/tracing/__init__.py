"""Traces by OpenTelemetry, where the standard OTEL_* variables ask for them; nothing else does."""
