"""Stop strings in a text that arrives in pieces: what comes before one is delivered, and nothing
that could still become one is let out early.
"""

from collections.abc import Sequence

from app.domain.overlap import overlap


class StopFilter:
    """Feed it pieces; `stopped` is set when a stop string is complete."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.stopped = False

    def feed(self, piece: str) -> str:
        """The text that is certain now. Nothing after the first stop string is ever returned."""
        if not self._stops:
            return piece
        text = self._held + piece
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = max(overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was held back when the answer ends without a stop string."""
        held, self._held = self._held, ""
        return held
