"""A conversation as the terminal holds it: what the next request says, and where it goes."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from app.commands.chat.told import Image
from app.commands.client import Client, Event

API = "/api/v5"


@dataclass
class Session:
    """`setup` (a template or a system prompt) is sent once and stays with the conversation; so
    does that it has images, which the model that sees answers. `last` is the last whole answer.
    """

    client: Client
    model: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    setup: dict[str, Any] = field(default_factory=dict)
    images: list[Image] = field(default_factory=list)
    conversation: str | None = None
    message: str | None = None
    sees: bool = False
    last: dict[str, Any] | None = None
    listed: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, text: str) -> Generator[Event]:
        """The events of the answer to a new message. Raises ApiError and UnreachableError."""
        sees = self.sees or bool(self.images)
        place = f"{API}/vision/chat/stream" if sees else f"{API}/chat/stream"
        body = {"message": text, **self._choices(), **self.setup}
        if self.conversation is not None:
            body["conversation_id"] = self.conversation
        if self.images:
            body["images"] = [image.body for image in self.images]
        with closing(self._followed(place, body)) as events:
            for name, data in events:
                if name == "start":  # the message is stored
                    self.setup, self.images, self.sees = {}, [], sees
                yield name, data

    def regenerate(self) -> Generator[Event]:
        """The events of another answer to the last message."""
        place = f"{API}/conversations/{self.conversation}/messages/{self.message}"
        return self._followed(f"{place}/regenerate/stream", self._choices())

    def begin_anew(self) -> None:
        """Leave the conversation; the next message begins another."""
        self.conversation = self.message = self.last = None
        self.setup, self.images, self.sees = {}, [], False

    def open(self, conversation_id: str) -> dict[str, Any]:
        """Go on with a conversation that is kept; returns it."""
        found: dict[str, Any] = self.client.get(f"{API}/conversations/{conversation_id}")
        self.begin_anew()
        self.conversation = found["id"]
        answers = [each["id"] for each in found["messages"] if each["role"] == "assistant"]
        self.message = answers[-1] if answers else None
        self.sees = any(each["images"] for each in found["messages"])
        return found

    def _choices(self) -> dict[str, Any]:
        return {**self.options, **({"model": self.model} if self.model else {})}

    def _followed(self, path: str, body: dict[str, Any]) -> Generator[Event]:
        with closing(self.client.stream(path, body)) as events:
            for name, data in events:
                if name == "start":
                    self.conversation, self.message = data["conversation_id"], data["message_id"]
                elif name == "done":
                    self.last = data
                yield name, data
