"""A conversation with any server: ours keeps it, the others are sent all of it each time."""

import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from benchmarks.client import BenchmarkError, Reply, ask, post
from benchmarks.compare.texts import Messages

GREEDY: dict[str, Any] = {"temperature": 0.0, "top_p": 0.95, "seed": 1}
# Named, since the servers' defaults differ.
EVERY = GREEDY | {"top_k": 40, "min_p": 0.05, "repeat_penalty": 1.0}
MOMENT = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Way:
    """How a server is asked: its route for streams and the options it takes."""

    path: str = "/v1/chat/completions"
    options: dict[str, Any] = field(default_factory=dict)
    keeps: bool = False


OURS = Way("/api/v4/chat/stream", EVERY, keeps=True)
STREAMED = {"stream": True}
LLAMA_SERVER = Way(options=EVERY | STREAMED | {"stream_options": {"include_usage": True}})
LLAMA_CPP_PYTHON = Way(options=EVERY | STREAMED)
TRANSFORMERS = Way(options=GREEDY | STREAMED)


@dataclass(frozen=True)
class Server:
    """A running one: process id, port, and how it is asked. `seconds` it took to be ready."""

    name: str
    pid: int
    port: int
    way: Way
    seconds: float = 0.0


@dataclass(frozen=True)
class Turn:
    """One answer. Times are on the clock `time.perf_counter`; a count that the server does not
    tell is 0."""

    began: float
    first_at: float
    last_at: float
    tokens: int
    prompt_tokens: int
    cached_tokens: int
    text: str
    conversation: str | None = None

    @property
    def first_seconds(self) -> float:
        return self.first_at - self.began


class Talk:
    """One conversation. `history` is what has been said so far."""

    def __init__(self, server: Server, history: Messages) -> None:
        self.server = server
        self.history = list(history)
        self._id: str | None = None

    async def say(self, text: str, max_tokens: int = 12) -> Turn:
        """The answer to `text`. Raises BenchmarkError, TimeoutError."""
        body: dict[str, Any] = self.server.way.options | {"max_tokens": max_tokens}
        message = {"role": "user", "content": text}
        if self.server.way.keeps:
            if self._id is None and self.history:
                self._id = await _imported(self.server.port, self.history)
            body |= {"message": text, "conversation_id": self._id}
        else:
            body |= {"messages": [*self.history, message]}
        turn = await asked(self.server, body)
        self._id = turn.conversation
        self.history += [message, {"role": "assistant", "content": turn.text}]
        return turn


async def asked(server: Server, body: dict[str, Any]) -> Turn:
    """The whole stream that answers `body`."""
    began = time.perf_counter()
    reply = await ask(server.port, post(server.way.path, body))
    return turn_of(reply, began, body["max_tokens"])


def turn_of(reply: Reply, began: float, max_tokens: int) -> Turn:
    """Raises BenchmarkError for anything but a stream with text that came to its end."""
    raw = reply.raw
    events = _events(raw)
    pieces = [(at, piece) for at, event in events if (piece := _piece(event))]
    reasons = [found for _, event in events if (found := _reason(event))]
    if not raw.startswith(b"HTTP/1.1 200") or not pieces or not reasons:
        raise BenchmarkError(raw[:1000].decode(errors="replace") or "nothing was answered")
    told = (event["usage"] for _, event in reversed(events) if event.get("usage"))
    usage: dict[str, Any] = next(told, {})
    counted = max_tokens if reasons[-1] == "length" else len(pieces)
    kept = (event.get("conversation_id") for _, event in events)
    return Turn(
        began=began,
        first_at=reply.arrived(pieces[0][0]),
        last_at=reply.arrived(pieces[-1][0]),
        tokens=usage.get("completion_tokens") or counted,
        prompt_tokens=usage.get("prompt_tokens", 0),
        cached_tokens=_cached(usage),
        text="".join(piece for _, piece in pieces),
        conversation=next(filter(None, kept), None),
    )


def _events(raw: bytes) -> list[tuple[int, dict[str, Any]]]:
    """Offset and content of each event with an object; other lines are not theirs."""
    found, at = [], 0
    for line in raw.split(b"\n"):
        if line.startswith(b"data: {"):
            found.append((at, msgspec.json.decode(line[6:])))
        at += len(line) + 1
    return found


def _choice(event: dict[str, Any]) -> dict[str, Any]:
    choices: list[dict[str, Any]] = event.get("choices") or [{}]
    return choices[0]


def _piece(event: dict[str, Any]) -> str:
    """The text that an event brings, in our way of writing or OpenAI's."""
    text: str = event.get("text") or _choice(event).get("delta", {}).get("content") or ""
    return text


def _reason(event: dict[str, Any]) -> str | None:
    reason: str | None = event.get("finish_reason") or _choice(event).get("finish_reason")
    return reason


def _cached(usage: dict[str, Any]) -> int:
    details = usage.get("prompt_tokens_details") or {}
    return int(usage.get("cached_tokens") or details.get("cached_tokens") or 0)


async def _imported(port: int, history: Messages) -> str:
    """The id of a new conversation in which this has been said."""
    messages = []
    for number, message in enumerate(history):
        parent = str(number - 1) if number else None
        place = {"id": str(number), "parent_id": parent, "created_at": MOMENT}
        messages.append({**message, **place})
    body = {"format": "sllm.conversation", "version": 1, "created_at": MOMENT,
            "updated_at": MOMENT, "messages": messages,
            "current_message_id": messages[-1]["id"]}  # fmt: skip
    answer = await _json(port, "/api/v4/conversations/import", body)
    if not answer.get("conversations"):
        raise BenchmarkError(f"a history is not taken: {answer}")
    return str(answer["conversations"][0])


async def count_tokens(port: int, messages: Messages) -> int:
    """By our server, in whose weights all others speak."""
    return int((await _json(port, "/api/v4/tokenize", {"messages": messages}))["tokens"])


async def _json(port: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = await ask(port, post(path, body))
    head, _, rest = reply.raw.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 20"):
        raise BenchmarkError(reply.raw[:1000].decode(errors="replace"))
    found: dict[str, Any] = msgspec.json.decode(rest)
    return found
