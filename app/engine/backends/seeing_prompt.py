"""Prompts with images: the chat template writes a placeholder for each, which becomes control
tokens and places of feature rows. What users write never becomes either.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

from app.domain.errors import SllmError
from app.domain.messages import Message, Picture
from app.domain.tools import Tool
from app.engine.backends.base import LoadError
from app.engine.backends.chat_prompt import ChatPrompt, TemplateRefused, TextEngine
from app.engine.image_rows import image_rows

Contents = Callable[[Sequence[Message]], list[dict[str, Any]]]
_WORD: Final = "sllm-probe"
_PROBE: Final = Message("user", _WORD, (Picture("", "0" * 64, 1, 1, filename="probe.png"),))


class Sees(Protocol):
    """What is known of a family of models that see."""

    placeholder: str

    async def pieces(self, picture: Picture) -> tuple[str | int, ...]:
        """What stands for the image: texts with control tokens, and numbers of rows."""
        ...

    def contents(self, messages: Sequence[Message]) -> list[dict[str, Any]]: ...
    def flat(self, messages: Sequence[Message]) -> list[dict[str, Any]]: ...


class Renders(Protocol):
    def render(self, messages: Sequence[dict[str, Any]]) -> str: ...


class SeeingPrompt(ChatPrompt):
    """`place` is the id of the placeholder's token."""

    def __init__(
        self,
        client: TextEngine,
        control_tokens: Sequence[str],
        sees: Sees,
        contents: Contents,
        place: int,
    ) -> None:
        super().__init__(client, (*control_tokens, sees.placeholder))
        self._sees = sees
        self._as_template_wants = contents
        self._place = place

    async def ids(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), owner: str = ""
    ) -> list[int]:
        """Token ids, and ids below zero for feature rows."""
        found = await super().ids(messages, tools, owner)
        pictures = [picture for message in messages for picture in message.images]
        runs = iter([run for picture in pictures for run in await self._runs(picture)])
        ids: list[int] = []
        for token in found:
            if token == self._place:
                ids += next(runs, [])
            else:
                ids.append(token)
        return ids

    async def _runs(self, picture: Picture) -> list[list[int]]:
        """The ids of a picture's rows, as its pieces divide them."""
        counts = [piece for piece in await self._sees.pieces(picture) if isinstance(piece, int)]
        rows = iter(image_rows(picture, sum(counts)))
        return [[next(rows) for _ in range(count)] for count in counts]

    async def _render(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> str:
        """The template's text with one placeholder for each run of rows."""
        text = await super()._render(messages, tools)
        pictures = [picture for message in messages for picture in message.images]
        parts = text.split(self._sees.placeholder)
        if len(parts) != len(pictures) + 1:
            found, images = len(parts) - 1, len(pictures)
            raise SllmError("internal_error", "vision_placeholders", found=found, images=images)
        pieces = [await self._sees.pieces(picture) for picture in pictures]
        return parts[0] + "".join(
            self._spelled(each) + part for each, part in zip(pieces, parts[1:], strict=True)
        )

    def _spelled(self, pieces: Sequence[str | int]) -> str:
        return "".join(
            piece if isinstance(piece, str) else self._sees.placeholder for piece in pieces
        )

    def _contents(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return self._as_template_wants(messages)


def contents_of(template: Renders, sees: Sees, model: str) -> Contents:
    """The way of writing contents that the template understands: as the family has them, else
    with placeholders in the text. Raises LoadError."""
    reason = ""
    for contents in _ways(sees):
        try:
            text = template.render(contents([_PROBE]))
        except TemplateRefused as refusal:
            reason = reason or str(refusal)[:200]
            continue
        whole = "'type'" not in text and text.count(_WORD) == 1
        if whole and text.count(sees.placeholder) == 1:
            return contents
    raise LoadError("vision_template", model=model, name=sees.placeholder, reason=reason or "-")


def _ways(sees: Sees) -> Iterator[Contents]:
    yield sees.contents
    yield sees.flat
