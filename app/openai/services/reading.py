"""What a model writes, read as what it is made of: for whoever keeps it, and for whoever tells."""

from collections.abc import Sequence

from msgspec import Struct

from app.domain.answer_parts import AnswerPart, AnswerReader, Said, Thought
from app.domain.call_reader import CallArguments, CallBegun
from app.domain.parts import Parts
from app.domain.tools import ToolCall
from app.openai.ids import stem_of


class Reading(Struct, frozen=True):
    """How the answers to one request are read."""

    names: tuple[str, ...] = ()
    thinks: bool = False
    one: bool = False

    def reader(self) -> AnswerReader:
        return AnswerReader(self.names, self.thinks, self.one)

    def kept(self, message_id: str, text: str) -> tuple[str, Parts | None]:
        """What is shown of an answer and what it is made of; nothing more where words say all."""
        parts = self.parts(stem_of(message_id), text)
        return parts.shown, None if parts.plain else parts

    def parts(self, stem: str, text: str) -> Parts:
        reader = self.reader()
        return gathered([*reader.feed(text), *reader.end()], stem)


def gathered(pieces: Sequence[AnswerPart], stem: str) -> Parts:
    parts = Parts()
    for piece in pieces:
        parts = grown(parts, piece, stem)
    return parts


def grown(parts: Parts, piece: AnswerPart, stem: str) -> Parts:
    """`parts` with one piece more. The ids of calls come from `stem`, so that whoever reads an
    answer again finds the same."""
    text, reasoning, calls = parts.text, parts.reasoning, parts.calls
    match piece:
        case Said(text=more):
            text += more
        case Thought(text=more):
            reasoning += more
        case CallBegun(name=name):
            calls = (*calls, ToolCall(f"call_{stem}_{len(calls)}", name, ""))
        case CallArguments(text=more):
            last = calls[-1]
            assert last is not None
            calls = (*calls[:-1], ToolCall(last.id, last.name, last.arguments + more))
    return Parts(text, reasoning, calls)
