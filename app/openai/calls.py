"""One request of the dialect on its way: opened, then streamed or collected. No URLs here."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from fastapi import Request
from msgspec.structs import replace

from app.config import Settings
from app.dependencies import RequestMaker
from app.domain.answer_parts import Said, Thought
from app.domain.call_reader import CallArguments, CallBegun
from app.domain.generation import GenerationRequest, Usage
from app.domain.logprobs import TokenLogprob
from app.domain.options import ContextPolicy, GenerationOptions
from app.domain.tools import ToolCall, ToolUse
from app.openai.config import MOST_MESSAGES
from app.openai.services.answers import (
    AnswerEvent,
    Answers,
    Begun,
    ChoiceEnd,
    ChoicePart,
    Wanted,
)
from app.openai.services.spoken import Spoken
from app.streaming import unless_gone
from app.v5.services.vision_service import Brought
from app.v5.vision_route import Blobs

# What ends a call in the templates that wrap one; nothing is wanted after it.
CALL_END = "</tool_call>"
NOTHING = Usage(0, 0, 0, 0)


@dataclass
class Answered:
    """One whole answer."""

    text: str = ""
    thoughts: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish_reason: str = "stop"
    usage: Usage = NOTHING

    def add(self, event: ChoicePart) -> None:
        self.logprobs += event.logprobs
        match event.part:
            case Said(text=text):
                self.text += text
            case Thought(text=text):
                self.thoughts += text
            case CallBegun(id=id_, name=name):
                self.calls.append(ToolCall(id_, name, ""))
            case CallArguments(text=text):
                last = self.calls[-1]
                self.calls[-1] = replace(last, arguments=last.arguments + text)


class AnswerCall:
    """A client that goes away frees its place at once."""

    def __init__(
        self, request: Request, answers: Answers, make: RequestMaker, settings: Settings
    ) -> None:
        self.request = request
        self.settings = settings
        self._answers = answers
        self._make = make

    @property
    def blobs(self) -> Blobs:
        """The images of the body, of which some routes take none."""
        blobs: Blobs | None = getattr(self.request.state, "blobs", None)
        return blobs or Blobs(self.request.app.state.vision_room, 0)

    def asked(
        self,
        spoken: Sequence[Spoken],
        options: GenerationOptions,
        use: ToolUse,
        policy: ContextPolicy | None = None,
    ) -> tuple[GenerationRequest, list[tuple[Brought, ...]]]:
        """What the engine is asked, and the pictures of each message. Too long is refused, as
        OpenAI does, where the client does not say otherwise."""
        if use.one and not use.must:
            options = replace(options, stop=(*options.stop, CALL_END))
        messages = tuple(each.message for each in spoken)
        request = self._make(messages, options, policy or "error")
        pictures = [each.pictures for each in spoken]
        return replace(request, max_history=MOST_MESSAGES), pictures

    async def open(self, wanted: Wanted) -> tuple[Begun, AsyncGenerator[AnswerEvent, None]]:
        """Wait until it is accepted; what is wrong with it is raised here as SllmError. Whoever
        holds the events must close them."""
        events = self._answers.events(wanted)
        async with unless_gone(self.request):
            begun = await anext(events)
        assert isinstance(begun, Begun)
        self.blobs.free()
        return begun, events

    async def collect(self, wanted: Wanted) -> tuple[Begun, list[Answered]]:
        """Every answer, whole."""
        begun, events = await self.open(wanted)
        answers = [Answered() for _ in range(wanted.count * (1 + len(wanted.others)))]
        async with aclosing(events), unless_gone(self.request):
            async for event in events:
                match event:
                    case ChoicePart():
                        answers[event.choice].add(event)
                    case ChoiceEnd():
                        answers[event.choice].finish_reason = event.finish_reason
                        answers[event.choice].usage = event.usage
        return begun, answers
