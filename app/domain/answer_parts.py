"""What an answer is made of, told apart while it is being written: thoughts, words, and calls."""

from collections.abc import Collection
from typing import Final

from msgspec import Struct

from app.domain.call_reader import CallArguments, CallBegun, CallReader
from app.domain.overlap import overlap

THOUGHTS: Final = ("<think>", "</think>")
# How models wrap a call: as their templates say, and as small ones do when they forget.
WRAPPERS: Final = {
    "<tool_call>": "</tool_call>",
    "<tools>": "</tools>",
    "<function_call>": "</function_call>",
}
# Without a wrapper a call can only be the whole of what is said.
BARE: Final = {"```json": "```", "[": "]", "{": ""}


class Thought(Struct, frozen=True):
    """A piece of the model's reasoning."""

    text: str


class Said(Struct, frozen=True):
    """A piece of what is said to the user."""

    text: str


AnswerPart = Thought | Said | CallBegun | CallArguments


class AnswerReader:
    """Feed it pieces of an answer. `names` are the tools that may be called; `thinks` says that
    the answer begins within thoughts; with `one` nothing follows the first call."""

    def __init__(
        self, names: Collection[str] = (), thinks: bool = False, one: bool = False
    ) -> None:
        self._names, self._one = frozenset(names), one
        self._held = ""
        self._step = self._thinking if thinks else self._opening
        self._may_think = not thinks
        self._first = not thinks
        self._thought = False
        self._call: CallReader | None = None
        self._wrapper = ("", "")
        self.calls = 0

    def feed(self, text: str) -> list[AnswerPart]:
        """The parts that are certain now."""
        self._held += text
        parts: list[AnswerPart] = []
        while self._step(parts):
            pass
        return parts

    def end(self) -> list[AnswerPart]:
        """What was held back when the answer is over."""
        parts: list[AnswerPart] = []
        if self._call is not None:
            self._call.end()
            self.calls += self._call.begun
            if self._call.failed:
                parts.append(Said(self._wrapper[0] + self._call.rest))
        elif self._step == self._thinking:
            _add(parts, Thought, self._held.rstrip())
        elif self._step == self._speaking or self._first or self._held.strip():
            _add(parts, Said, self._held)
        self._held = ""
        return parts

    # Each step takes what it can of the held text; True where the next one may go on.

    def _opening(self, parts: list[AnswerPart]) -> bool:
        """At the start, after thoughts, and between calls: blanks mean nothing yet, and only at
        the start are they part of what is said."""
        if self._one and self.calls:
            self._held = ""
            return False
        text = self._held.lstrip()
        openers = self._openers()
        for opener in openers:
            if text.startswith(opener):
                return self._open(opener, text)
        if any(opener.startswith(text) for opener in openers):
            return False
        if not text and not self._first:
            return False
        self._held = self._held if self._first else text
        self._may_think, self._step = False, self._speaking
        return True

    def _openers(self) -> list[str]:
        thoughts = [THOUGHTS[0]] if self._may_think else []
        return thoughts + ([*WRAPPERS, *BARE] if self._names else [])

    def _open(self, opener: str, text: str) -> bool:
        self._may_think = self._first = False
        if opener == THOUGHTS[0]:
            self._held, self._step = text.removeprefix(opener), self._thinking
            return True
        lead = "" if opener == "{" else opener
        self._begin_call(lead, (WRAPPERS | BARE)[opener], text.removeprefix(lead))
        return True

    def _begin_call(self, opener: str, closer: str, text: str) -> None:
        self._wrapper = (opener, closer)
        self._first = False
        self._held, self._step = text, self._calling
        self._call = CallReader(self._names, self.calls)

    def _thinking(self, parts: list[AnswerPart]) -> bool:
        thought, tag, rest = self._held.partition(THOUGHTS[1])
        if tag:
            _add(parts, Thought, self._unblanked(thought.rstrip()))
            self._held, self._step = rest, self._opening
            return True
        sure = self._held[: len(self._held) - overlap(self._held, THOUGHTS[1])].rstrip()
        self._held = self._held[len(sure) :]
        _add(parts, Thought, self._unblanked(sure))
        return False

    def _unblanked(self, thought: str) -> str:
        """Thoughts begin with a word."""
        if not self._thought:
            thought = thought.lstrip()
        self._thought = self._thought or bool(thought)
        return thought

    def _speaking(self, parts: list[AnswerPart]) -> bool:
        found = [(at, tag) for tag in self._tags() if (at := self._held.find(tag)) >= 0]
        if found:
            at, tag = min(found)
            _add(parts, Said, self._held[:at])
            self._begin_call(tag, WRAPPERS[tag], self._held[at + len(tag) :])
            return True
        keep = max((overlap(self._held, tag) for tag in self._tags()), default=0)
        sure = self._held[: len(self._held) - keep]
        self._held = self._held[len(sure) :]
        _add(parts, Said, sure)
        return False

    def _tags(self) -> list[str]:
        return list(WRAPPERS) if self._names else []

    def _calling(self, parts: list[AnswerPart]) -> bool:
        assert self._call is not None
        call, text = self._call, self._held
        self._held = ""
        parts += call.feed(text)
        if call.failed:
            self._call, self._step = None, self._speaking
            _add(parts, Said, self._wrapper[0] + call.rest)
            return False
        if not call.done:
            return False
        self._call, self.calls = None, self.calls + 1
        self._held, self._step = call.rest, self._closing
        return True

    def _closing(self, parts: list[AnswerPart]) -> bool:
        """What ends the wrapper, or another call in the same list."""
        text, closer = self._held.lstrip(), self._wrapper[1]
        if closer == "]" and text.startswith(",") and not self._one:
            self._begin_call("", closer, text[1:])
        elif closer and closer.startswith(text) and text != closer:
            return False
        else:
            self._held, self._step = text.removeprefix(closer), self._opening
        return True


def _add(parts: list[AnswerPart], kind: type[Thought] | type[Said], text: str) -> None:
    if text:
        parts.append(kind(text))
