"""From answers to what `POST /v1/completions` sends, whole or in pieces."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from app.domain.answer_parts import Said
from app.domain.errors import SllmError
from app.openai.calls import Answered
from app.openai.models.answers import UsageSchema
from app.openai.models.completions import Completion, CompletionChoice, OldLogprobs
from app.openai.replies import DONE, Chunk, fingerprint
from app.openai.services.answers import AnswerEvent, Begun, ChoiceEnd, ChoicePart


class Continuations:
    """The answer to one request; `count` continuations of each prompt."""

    def __init__(self, begun: Begun, count: int, logprobs: bool) -> None:
        self._begun, self._count, self._logprobs = begun, count, logprobs
        self._lengths: dict[int, int] = {}

    def whole(self, answers: list[Answered]) -> Completion:
        choices = [
            CompletionChoice.model_validate(
                {
                    "text": answer.text,
                    "index": index,
                    "logprobs": OldLogprobs.of(answer.logprobs) if self._logprobs else None,
                    "finish_reason": answer.finish_reason,
                }
            )
            for index, answer in enumerate(answers)
        ]
        usage = UsageSchema.of([answer.usage for answer in answers], self._count)
        return self._made(choices, usage=usage)

    async def chunks(
        self, events: AsyncGenerator[AnswerEvent, None], counts: bool
    ) -> AsyncGenerator[Chunk, None]:
        """Ends in `[DONE]`, or in an error in its place."""
        ends: list[ChoiceEnd] = []
        async with aclosing(events):
            try:
                async for chunk in self._chunks(events, ends, counts):
                    yield chunk
            except SllmError as error:
                yield Chunk(error)
                return
        if counts:
            usage = UsageSchema.of([end.usage for end in ends], self._count)
            yield Chunk(self._made([], usage=usage).model_dump(exclude_unset=True))
        yield Chunk(DONE)

    async def _chunks(
        self, events: AsyncIterator[AnswerEvent], ends: list[ChoiceEnd], counts: bool
    ) -> AsyncIterator[Chunk]:
        usage: dict[str, Any] = {"usage": None} if counts else {}
        async for event in events:
            if isinstance(event, ChoicePart):
                choice = self._piece(event)
            elif isinstance(event, ChoiceEnd):
                ends.append(event)
                choice = CompletionChoice.model_validate(
                    {
                        "text": "",
                        "index": event.choice,
                        "logprobs": None,
                        "finish_reason": event.finish_reason,
                    }
                )
            else:
                continue
            yield Chunk(self._made([choice], **usage).model_dump(exclude_unset=True))

    def _piece(self, event: ChoicePart) -> CompletionChoice:
        assert isinstance(event.part, Said)
        start = self._lengths.get(event.choice, 0)
        self._lengths[event.choice] = start + len(event.part.text)
        told = OldLogprobs.of(event.logprobs, start) if self._logprobs else None
        return CompletionChoice(
            text=event.part.text, index=event.choice, logprobs=told, finish_reason=None
        )

    def _made(self, choices: list[CompletionChoice], **more: Any) -> Completion:
        return Completion(
            id=f"cmpl-{self._begun.id}",
            object="text_completion",
            created=int(self._begun.created_at.timestamp()),
            model=self._begun.model,
            system_fingerprint=fingerprint(self._begun.model),
            choices=choices,
            **more,
        )
