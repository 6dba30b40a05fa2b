"""Files that a person names within a chat, and what to say of those that cannot be had."""

import base64
from dataclasses import dataclass
from pathlib import Path

from app.commands.words import say


class CommandError(Exception):
    """`str()` says what is wrong and what to do; the chat goes on."""


def expanded(name: str) -> Path:
    """A path as a shell would take it. Raises CommandError for the home of somebody unknown."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise CommandError(say("chat_no_file", file=name[:200])) from None


def existing_file(name: str) -> Path:
    """Raises CommandError unless there is a regular file of that name."""
    path = expanded(name)
    try:
        there = path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        there = False
    if not there:
        raise CommandError(say("chat_no_file", file=name[:200]))
    return path


@dataclass
class Image:
    """A picture that goes with the next message. Whether it is one, the server says."""

    name: str
    content: bytes

    @property
    def body(self) -> dict[str, str]:
        return {"data": base64.b64encode(self.content).decode(), "filename": self.name[:200]}


def read_image(name: str) -> Image:
    """Raises CommandError for a file that is not there or cannot be read."""
    path = existing_file(name)
    try:
        return Image(path.name, path.read_bytes())
    except OSError as error:
        reason = {"file": path.name, "reason": error.strerror or ""}
        raise CommandError(say("chat_file_unreadable", **reason)) from None
