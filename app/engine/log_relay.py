"""Turns what native libraries print into JSON log lines: `python -m app.engine.log_relay LEVEL`.

A process of its own between an engine and standard error, where LOG_FORMAT is json: it reads to the
end, so the last words of an engine that crashes are kept, and no thread of an engine waits for it.
"""

import json
import logging
import signal
import sys
from typing import IO

from app.logs.setup import configure

LONGEST_LINE = 65_536
log = logging.getLogger("sllm.engine.native")


def relay(source: IO[bytes], sink: IO[str]) -> None:
    """Lines that are JSON objects are the engine's own records and pass; others become records."""
    while line := source.readline(LONGEST_LINE):
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if _is_record(text):
            sink.write(f"{text}\n")
            sink.flush()
        elif text.strip():
            log.info("%s", text)


def _is_record(text: str) -> bool:
    if not text.startswith('{"time": '):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


if __name__ == "__main__":
    # It ends with the engine, after its last line.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    configure(sys.argv[1], "json")
    relay(sys.stdin.buffer, sys.stderr)
