"""One piece of fetching work, seen from outside: what it reports, and how it is stopped."""

import threading
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.model_info import Notice
from app.weights.errors import CancelledError

CHUNK = 1 << 20


class Progress(Protocol):
    """Told what happens, in the thread that does the work."""

    def note(self, notice: Notice) -> None:
        """A step begins, or a source failed: one sentence."""

    def advance(self, file: str, done: int, total: int | None) -> None:
        """`done` bytes of `total` (None: unknown) of `file`, a base name."""


class Silent:
    """Progress that nobody watches."""

    def note(self, notice: Notice) -> None:
        """Say nothing."""

    def advance(self, file: str, done: int, total: int | None) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Task:
    """Passed down through the work; set `cancel` from any thread to end it at the next chunk."""

    progress: Progress = field(default_factory=Silent)
    cancel: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raises CancelledError once `cancel` is set."""
        if self.cancel.is_set():
            raise CancelledError

    def pause(self, seconds: float) -> None:
        """Wait before trying again; a cancel ends the wait."""
        self.cancel.wait(seconds)
        self.check()

    def say(self, text: str, /, **values: str | int | float) -> None:
        self.progress.note(Notice(text, dict(values)))
