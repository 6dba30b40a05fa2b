"""Messages as most chat templates of models that see want them: contents as lists of parts."""

from collections.abc import Sequence
from typing import Any

from app.domain.messages import Message


def part_contents(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Images first, then the words."""
    return [{"role": message.role, "content": _parts(message)} for message in messages]


def _parts(message: Message) -> list[dict[str, str]]:
    parts = [{"type": "image"} for _ in message.images]
    return [*parts, {"type": "text", "text": message.content}]


def flat_contents(messages: Sequence[Message], placeholder: str) -> list[dict[str, Any]]:
    """For templates of texts only: the placeholders stand before the words."""
    return [
        {
            "role": message.role,
            "content": (placeholder + "\n") * len(message.images) + message.content,
        }
        for message in messages
    ]
