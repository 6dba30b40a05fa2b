"""Messages as most chat templates of models that see want them: contents as lists of parts."""

from collections.abc import Sequence
from typing import Any

from app.domain.errors import SllmError
from app.domain.messages import Message


def part_contents(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Images first, then their texts (`ocr`), then the words."""
    return [{"role": message.role, "content": _parts(message)} for message in messages]


def _parts(message: Message) -> list[dict[str, str]]:
    parts = [{"type": "image"} for _ in message.images]
    return [*parts, {"type": "text", "text": with_ocr(message)}]


def flat_contents(messages: Sequence[Message], placeholder: str) -> list[dict[str, Any]]:
    """For templates of texts only: the placeholders stand before the words."""
    return [
        {
            "role": message.role,
            "content": (placeholder + "\n") * len(message.images) + with_ocr(message),
        }
        for message in messages
    ]


def with_ocr(message: Message) -> str:
    """The words, after what is known of the images' letters. Raises SllmError for texts of
    images that only some templates take."""
    if any(picture.lens_keywords or picture.lens_local_keywords for picture in message.images):
        raise SllmError("unsupported_by_engine", "lens_keywords_unsupported", param="images")
    known = [f"[OCR: {picture.ocr}]\n" for picture in message.images if picture.ocr]
    return "".join(known) + message.content
