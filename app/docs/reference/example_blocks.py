"""Examples as blocks of Markdown: a command that asks, and what came back."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from app.docs.examples.exchange import Exchange

SERVER = "http://localhost:8000"
# Longer texts, as files in base64, are cut where they are only looked at.
LONGEST_TEXT = 120


def blocks(exchange: Exchange, title: str) -> Iterator[str]:
    """The lines of one example."""
    yield from ("", f"{title}:", "", "```bash", command(exchange), "```")
    answer = exchange.answered
    told = [f"HTTP {answer.status}"]
    told += [f"{name}: {value}" for name, value in answer.headers.items()]
    yield from ("", "```http", *told)
    if answer.body is not None:
        yield from ("", indented(answer.body))
    elif answer.text:
        yield from ("", answer.text.rstrip())
    yield "```"


def command(exchange: Exchange) -> str:
    """The request as curl sends it."""
    sent = exchange.sent
    url = SERVER + sent.path
    words = ["curl", shlex.quote(url)]
    if exchange.method != ("GET" if sent.body is None and not sent.form else "POST"):
        words += ["-X", exchange.method]
    lines = [" ".join(words)]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sent.headers.items()]
    lines += [f"-F {shlex.quote(f'{name}={value}')}" for name, value in sent.form.items()]
    if sent.body is not None:
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d {shlex.quote(json.dumps(sent.body, ensure_ascii=False))}")
    return " \\\n  ".join(lines)


def indented(value: Any) -> str:
    """JSON for reading."""
    return json.dumps(shortened(value), ensure_ascii=False, indent=2)


def shortened(value: Any) -> Any:
    """The same with long texts without blanks cut."""
    match value:
        case dict():
            return {key: shortened(each) for key, each in value.items()}
        case list():
            return [shortened(each) for each in value]
        case str() if len(value) > LONGEST_TEXT and " " not in value:
            return value[: LONGEST_TEXT // 2] + "…"
    return value
