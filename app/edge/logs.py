"""Log records on one line each with the request's id; control characters reach no terminal."""

import logging

from app.edge.request_id import current

FORMAT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"
LONGEST_MESSAGE = 2048
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPED |= {0x2028: "\\u2028", 0x2029: "\\u2029"}
_ESCAPED_IN_TRACE = {code: text for code, text in _ESCAPED.items() if chr(code) not in "\n\t"}


class LineFormatter(logging.Formatter):
    """One line per record; only a traceback, which is ours, takes more."""

    def __init__(self) -> None:
        super().__init__(FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """The record with its request id and everything unprintable escaped."""
        record.request_id = current.get()
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """The line before a traceback."""
        line = super().formatMessage(record).translate(_ESCAPED)
        return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}…"

    def formatException(self, ei: object) -> str:  # noqa: N802 (logging's name)
        """The traceback, its messages escaped."""
        return super().formatException(ei).translate(_ESCAPED_IN_TRACE)  # type: ignore[arg-type]


def configure(level: str) -> None:
    """Send every record of this process, the web server's too, to stderr in this format."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
