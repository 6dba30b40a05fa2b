"""Which request a log record belongs to, in an API worker and in an engine process alike."""

from contextvars import ContextVar

# For log records: the web server logs a crash after the application has returned, in the same task.
request_id: ContextVar[str] = ContextVar("request_id", default="-")
# Set while a request is traced: 32 hexadecimal digits.
trace_id: ContextVar[str] = ContextVar("trace_id", default="")
