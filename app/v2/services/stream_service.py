"""A chat as the events of API.md's stream, each with its data, in the order that it promises."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from app.domain.errors import SllmError
from app.domain.generation import Accepted, Finished, Prefill, Queued, Token
from app.v1.services.chat_service import Chat


@dataclass(frozen=True)
class StreamEvent:
    """A named event; `data` is a domain value or a dictionary, to be made JSON by the edge."""

    name: str
    data: Any


async def stream(
    chat: Chat, done: Callable[[Finished], Any], start: Any
) -> AsyncGenerator[StreamEvent, None]:
    """`start`, what happens, and exactly one `done` (made by `done`) or an `error` (an
    SllmError as its data) at the end."""
    yield StreamEvent("start", start)
    async with aclosing(chat.events) as events:
        try:
            async for event in events:
                match event:
                    case Token():
                        yield StreamEvent("token", {"text": event.text})
                    case Queued():
                        yield StreamEvent("queue", _waiting(event))
                    case Prefill():
                        yield StreamEvent("prefill", _reading(event))
                    case Finished():
                        yield StreamEvent("done", done(event))
                    case Accepted():
                        continue
        except SllmError as error:
            yield StreamEvent("error", error)


def _waiting(event: Queued) -> dict[str, int]:
    return {"position": event.position, "estimated_wait_ms": event.estimated_wait_ms}


def _reading(event: Prefill) -> dict[str, int]:
    return {"processed": event.processed, "total": event.total}
