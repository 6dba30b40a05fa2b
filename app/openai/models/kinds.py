"""Unions whose members are told apart by one look, so that an error names the field and no more.

A tag begins with `@`; `app.validation_errors` leaves those out of a field's name.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Discriminator


def by(key: str, tags: Mapping[str, str]) -> Discriminator:
    """Members by the text under `key`: from that text to the member's tag."""

    def tag(value: Any) -> str | None:
        kind = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
        return tags.get(kind) if isinstance(kind, str) else None

    return _discriminator(tag)


def word_or(tags: Mapping[str, str]) -> Discriminator:
    """`@word` for a text, else members by their type."""

    def tag(value: Any) -> str | None:
        kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
        return tags.get(kind, "@word") if isinstance(kind, str) else "@word"

    return _discriminator(tag)


def text_or_list() -> Discriminator:
    """`@text` or `@list`."""
    return _discriminator(lambda value: "@list" if isinstance(value, list) else "@text")


def _discriminator(tag: Callable[[Any], str | None]) -> Discriminator:
    return Discriminator(tag, custom_error_type="kind_unknown", custom_error_message="unknown kind")
