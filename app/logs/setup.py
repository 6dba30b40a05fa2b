"""Sends every record of a process to standard error in the shape that LOG_FORMAT asks for."""

import logging.config
from typing import Any, Literal

LogFormat = Literal["text", "json"]
FORMATTERS = {
    "text": "app.logs.formats.LineFormatter",
    "json": "app.logs.formats.JsonFormatter",
}


# The others are libraries': below a warning they tell statements with their values, and addresses
# with their query strings.
OURS = ("app", "sllm", "uvicorn")


def configuration(level: str, log_format: LogFormat) -> dict[str, Any]:
    """A dictionary, since every worker process of uvicorn applies it for itself."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"record": {"()": FORMATTERS[log_format]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "record"}},
        "root": {"level": max(logging.WARNING, _number(level)), "handlers": ["stderr"]},
        "loggers": {name: {"level": _number(level)} for name in OURS},
    }


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


def configure(level: str, log_format: LogFormat) -> None:
    """For this process, the web server's records and Python's warnings included.

    uvicorn's own access log is switched off: it shows query strings, and ours has every request.
    """
    logging.config.dictConfig(configuration(level, log_format))
    logging.captureWarnings(capture=True)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").handlers.clear()
    logging.getLogger("uvicorn.access").propagate = False
