"""From answers to the bodies and chunks that OpenAI's clients read."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from msgspec import Struct

from app import __version__
from app.domain.answer_parts import AnswerPart, Said, Thought
from app.domain.call_reader import CallArguments, CallBegun
from app.domain.errors import SllmError
from app.openai.calls import Answered
from app.openai.models.answers import (
    AnswerMessage,
    CallSchema,
    ChatCompletion,
    ChoiceSchema,
    LogprobsSchema,
    TokenSchema,
    UsageSchema,
)
from app.openai.services.answers import AnswerEvent, Begun, ChoiceEnd, ChoicePart

DONE = b"[DONE]"
ROLE: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}


class Chunk(Struct, frozen=True):
    """An event of a stream, which has no name here."""

    data: Any
    name: str = ""


def fingerprint(model: str) -> str:
    """The same as long as the model and this program are."""
    return "fp_" + hashlib.sha256(f"{model} {__version__}".encode()).hexdigest()[:10]


def completion(begun: Begun, answers: list[Answered], logprobs: bool) -> ChatCompletion:
    """The whole answer to a chat."""
    return ChatCompletion(
        id=f"chatcmpl-{begun.id}",
        object="chat.completion",
        created=int(begun.created_at.timestamp()),
        model=begun.model,
        choices=[_choice(index, each, logprobs) for index, each in enumerate(answers)],
        usage=UsageSchema.of([answer.usage for answer in answers]),
        service_tier="default",
        system_fingerprint=fingerprint(begun.model),
    )


def _choice(index: int, answer: Answered, logprobs: bool) -> ChoiceSchema:
    told: dict[str, Any] = {"reasoning_content": answer.thoughts} if answer.thoughts else {}
    if answer.calls:
        told["tool_calls"] = [*map(CallSchema.of, answer.calls)]
    silent = not answer.text and answer.calls
    return ChoiceSchema.model_validate(
        {
            "index": index,
            "message": AnswerMessage(
                role="assistant", content=None if silent else answer.text, refusal=None, **told
            ),
            "logprobs": LogprobsSchema(content=[*map(TokenSchema.told, answer.logprobs)])
            if logprobs
            else None,
            "finish_reason": answer.finish_reason,
        }
    )


class ChatChunks:
    """The chunks of one chat, in OpenAI's shape: the role first, an empty delta last."""

    def __init__(self, begun: Begun, counts: bool, logprobs: bool) -> None:
        self._head = {
            "id": f"chatcmpl-{begun.id}",
            "object": "chat.completion.chunk",
            "created": int(begun.created_at.timestamp()),
            "model": begun.model,
            "service_tier": "default",
            "system_fingerprint": fingerprint(begun.model),
        }
        self._counts = counts
        self._logprobs = logprobs
        self._ends: list[ChoiceEnd] = []

    async def of(self, events: AsyncGenerator[AnswerEvent, None]) -> AsyncGenerator[Chunk, None]:
        """Ends in `[DONE]`, or in an error in its place."""
        async with aclosing(events):
            try:
                async for chunk in self._chunks(events):
                    yield chunk
            except SllmError as error:
                yield Chunk(error)
                return
        if self._counts:
            usage = UsageSchema.of([end.usage for end in self._ends]).model_dump()
            yield Chunk({**self._head, "choices": [], "usage": usage})
        yield Chunk(DONE)

    async def _chunks(self, events: AsyncIterator[AnswerEvent]) -> AsyncIterator[Chunk]:
        begun = 0
        async for event in events:
            if isinstance(event, Begun):
                continue
            if event.choice == begun:
                begun += 1
                yield self._chunk(event.choice, ROLE)
            if isinstance(event, ChoicePart):
                yield self._chunk(event.choice, delta_of(event.part), self._told(event))
            else:
                self._ends.append(event)
                yield self._chunk(event.choice, {}, finish_reason=event.finish_reason)

    def _told(self, event: ChoicePart) -> dict[str, Any] | None:
        if not self._logprobs or not event.logprobs:
            return None
        told = LogprobsSchema(content=[*map(TokenSchema.told, event.logprobs)])
        return told.model_dump()

    def _chunk(
        self,
        choice: int,
        delta: dict[str, Any],
        logprobs: dict[str, Any] | None = None,
        finish_reason: str | None = None,
    ) -> Chunk:
        told = {
            "index": choice,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": finish_reason,
        }
        usage = {"usage": None} if self._counts else {}
        return Chunk({**self._head, "choices": [told], **usage})


def delta_of(part: AnswerPart) -> dict[str, Any]:
    """A piece of an answer as a chunk has it."""
    match part:
        case Said(text=text):
            return {"content": text}
        case Thought(text=text):
            return {"reasoning_content": text}
        case CallBegun(number=number, id=id_, name=name):
            function = {"name": name, "arguments": ""}
            call = {"index": number, "id": id_, "type": "function", "function": function}
            return {"tool_calls": [call]}
        case CallArguments(number=number, text=text):
            return {"tool_calls": [{"index": number, "function": {"arguments": text}}]}
