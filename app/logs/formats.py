"""The two shapes of a log record, text and JSON; both on one line, and no client can forge one."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from app.logs.context import request_id, trace_id
from app.logs.masking import mask

FORMAT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
LONGEST_MESSAGE = 2048
LONGEST_TRACE = 32_768
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPED |= {0x2028: "\\u2028", 0x2029: "\\u2029"}
_ESCAPED_IN_TRACE = {code: text for code, text in _ESCAPED.items() if chr(code) not in "\n\t"}
# JSON escapes the rest itself.
_ESCAPED_IN_JSON = {0x7F: "\\x7f"}


class LineFormatter(logging.Formatter):
    """One line per record; only a traceback, which is ours, takes more."""

    def __init__(self) -> None:
        super().__init__(FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """The record with its request id and everything unprintable escaped."""
        record.request_id = request_id.get()
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """The line before a traceback."""
        return cut(mask(super().formatMessage(record)).translate(_ESCAPED), LONGEST_MESSAGE)

    def formatException(self, ei: object) -> str:  # noqa: N802 (logging's name)
        """The traceback, its messages escaped."""
        trace = super().formatException(ei)  # type: ignore[arg-type]
        return mask(trace).translate(_ESCAPED_IN_TRACE)


class JsonFormatter(logging.Formatter):
    """One object per record; what a caller gives as `extra={"fields": {…}}` stands beside the
    rest, and a traceback in `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """All characters beyond ASCII are escaped, so a line is a line to every reader."""
        body: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "request_id": request_id.get(),
            "message": cut(mask(record.getMessage()), LONGEST_MESSAGE),
        }
        if trace := trace_id.get():
            body["trace_id"] = trace
        body |= vars(record).get("fields", {})
        if record.exc_info:
            body["exception"] = cut(mask(self.formatException(record.exc_info)), LONGEST_TRACE)
        return json.dumps(body, default=str).translate(_ESCAPED_IN_JSON)


def cut(text: str, longest: int) -> str:
    """`text`, or its beginning."""
    return text if len(text) <= longest else f"{text[:longest]}…"
