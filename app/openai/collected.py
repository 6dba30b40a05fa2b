"""An answer of the dialect while it comes: what it is made of, and how likely its tokens were."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from app.domain.answer_parts import Thought
from app.domain.logprobs import TokenLogprob
from app.domain.parts import Parts
from app.openai.items import Item, answer_items
from app.openai.models.answers import TokenSchema
from app.openai.response_objects import Told
from app.openai.services.answers import AnswerEvent, ChoiceEnd, ChoicePart
from app.openai.services.reading import grown


class Collected:
    """An answer in the making. `logprobs` says whether its client asked for them."""

    def __init__(self, stem: str, logprobs: bool) -> None:
        self._stem = stem
        self._tells = logprobs
        self.parts = Parts()
        self.logprobs: list[dict[str, Any]] = []
        self.end: ChoiceEnd | None = None

    def add(self, event: ChoicePart) -> list[dict[str, Any]]:
        """What is told of the tokens of this piece."""
        self.parts = grown(self.parts, event.part, self._stem)
        told = told_tokens(event.logprobs) if self._tells else []
        if not isinstance(event.part, Thought):
            self.logprobs += told
        return told

    def items(self, status: str) -> list[Item]:
        return answer_items(self._stem, self.parts, status, self.logprobs)

    def whole(self, told: Told) -> dict[str, Any]:
        """The response, once it has ended."""
        assert self.end is not None
        status = "incomplete" if self.end.finish_reason == "length" else "completed"
        return told.finished(self.parts, self.end.finish_reason, self.end.usage, self.items(status))


def told_tokens(logprobs: Sequence[TokenLogprob]) -> list[dict[str, Any]]:
    return [TokenSchema.told(each).model_dump() for each in logprobs]


async def collect(events: AsyncGenerator[AnswerEvent, None], told: Told, logprobs: bool) -> Any:
    """The whole response. Raises SllmError."""
    answer = Collected(told.stem, logprobs)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, ChoicePart):
                answer.add(event)
            elif isinstance(event, ChoiceEnd):
                answer.end = event
    return answer.whole(told)
