"""From messages to token ids, exactly as the weights' template means them.

A user's text that spells a control token (`<|im_end|>`) must stay text. Where no message does,
the rendered prompt is tokenized in one go; where one does, the prompt is cut at the template's
own control tokens and every run between them is tokenized as plain text.
"""

import json
import re
import secrets
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final, Protocol

from msgspec.structs import replace

from app.domain.errors import SllmError
from app.domain.messages import Message, Picture
from app.domain.tools import Tool
from app.engine.backends.prompt_segments import Segments, Tokenizes, any_of
from app.engine.backends.tool_prompt import (
    as_json,
    call_texts,
    contents,
    masked_call,
    masked_tool,
    tool_texts,
)

# llama.cpp treats these as control tokens even where the vocabulary does not mark them so.
ALWAYS_CONTROL = (
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<start_of_turn>",
    "<EOT>",
    "<s>",
    "</s>",
    "<|return|>",
    "<|call|>",
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
)

# Of a picture, what a template may write into the prompt.
_PICTURE_TEXTS: Final = ("filename", "media_type", "ocr", "lens_keywords", "lens_local_keywords")


class TemplateRefused(Exception):
    """The weights' chat template does not take these messages."""


class TextEngine(Tokenizes, Protocol):
    """And its chat template."""

    async def apply_template(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]
    ) -> str:
        """The messages under the tools, ready for the assistant's answer. Raises
        TemplateRefused."""
        ...


class ChatPrompt:
    """The prompt of weights that carry a chat template."""

    stop: tuple[str, ...] = ()

    def __init__(self, client: TextEngine, control_tokens: Sequence[str]) -> None:
        self._client = client
        self._control = any_of({*control_tokens, *ALWAYS_CONTROL})
        self._ids: dict[str, int | None] = {}
        self._segments = Segments(client, self._known_controls)

    async def ids(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), owner: str = ""
    ) -> list[int]:
        """Token ids with the BOS token where the vocabulary wants one. What is tokenized for an
        `owner` is remembered for them."""
        texts = (text for message in messages for text in _texts(message))
        if not any(map(self._control.search, chain(texts, tool_texts(tools)))):
            text = await self._render(messages, tools)
            return await self._segments.ids(text, owner)
        return await self._guarded(messages, tools)

    def forget(self, owner: str) -> None:
        """Nothing of `owner`'s is remembered any more."""
        self._segments.forget(owner)

    async def _guarded(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> list[int]:
        hidden: dict[str, str] = {}
        masked = [self._mask(message, hidden) for message in messages]
        offered = [masked_tool(tool, partial(self._mask_json, hidden=hidden)) for tool in tools]
        template = await self._render(masked, offered)
        reveal = any_of(hidden)
        known = await self._known_controls(template)
        ids = await self._client.tokenize("", parse_special=False, add_special=True)
        for run in _split(template, known):
            if run in known:
                ids.append(known[run])
                continue
            text = reveal.sub(lambda match: hidden[match.group()], run)
            ids += await self._client.tokenize(text, parse_special=False)
        return ids

    def _mask(self, message: Message, hidden: dict[str, str]) -> Message:
        """Put random words in place of dangerous texts, those of pictures as well."""
        content = self._mask_text(message.content, hidden)
        images = tuple(self._mask_picture(picture, hidden) for picture in message.images)
        calls = [masked_call(c, partial(self._mask_json, hidden=hidden)) for c in message.calls]
        return replace(message, content=content, images=images, calls=tuple(calls))

    def _mask_picture(self, picture: Picture, hidden: dict[str, str]) -> Picture:
        texts = {name: getattr(picture, name) for name in _PICTURE_TEXTS}
        return replace(
            picture, **{name: self._mask_text(text, hidden) for name, text in texts.items()}
        )

    def _mask_text(self, text: str, hidden: dict[str, str]) -> str:
        """Outer blanks stay outside, so that a template that trims them still does."""
        core = text.strip()
        if not self._control.search(core):
            return text
        word = secrets.token_hex(16)
        hidden[word] = core
        return text.replace(core, word, 1)

    def _mask_json(self, text: str, hidden: dict[str, str]) -> str:
        """The same for a text that the template writes as JSON."""
        if not self._control.search(text):
            return text
        word = secrets.token_hex(16)
        hidden[word] = json.dumps(text, ensure_ascii=False)[1:-1]
        return word

    async def _known_controls(self, template: str) -> dict[str, int]:
        """The control tokens that the template uses, and their ids in this vocabulary."""
        known = {}
        for spelling in set(self._control.findall(template)):
            if spelling not in self._ids:
                ids = await self._client.tokenize(spelling, parse_special=True)
                self._ids[spelling] = ids[0] if len(ids) == 1 else None
            token = self._ids[spelling]
            if token is not None:
                known[spelling] = token
        return known

    async def _render(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> str:
        """The template's text. Templates that refuse a system message or two equal roles in a
        row get them folded together; what is still refused is the client's error."""
        try:
            return await self._apply(messages, tools)
        except TemplateRefused:
            folded = fold(messages)
        try:
            return await self._apply(folded, tools)
        except TemplateRefused as refusal:
            raise SllmError("invalid_parameter", "template_refused", param="messages") from refusal

    async def _apply(self, messages: Sequence[Message], tools: Sequence[Tool]) -> str:
        offered = [as_json(tool) for tool in tools]
        return await self._client.apply_template(self._contents(messages), offered)

    def _contents(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """The messages as the template takes them."""
        return contents(messages)


def _texts(message: Message) -> list[str]:
    """All that a template may write of it."""
    return [
        message.content,
        *call_texts(message),
        *(getattr(picture, name) for picture in message.images for name in _PICTURE_TEXTS),
    ]


def _split(template: str, controls: Iterable[str]) -> list[str]:
    """Cut at control tokens, which stay as runs of their own."""
    return re.split(f"({any_of(controls).pattern})", template)


class PlainPrompt:
    """The prompt of base weights without a template: a transcript, all of it plain text."""

    stop: tuple[str, ...] = ("\nUser:",)

    def __init__(self, client: Tokenizes) -> None:
        self._client = client

    async def ids(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), owner: str = ""
    ) -> list[int]:
        return await self._client.tokenize(
            transcript(messages), parse_special=False, add_special=True
        )

    def forget(self, owner: str) -> None:
        """Nothing is remembered."""


def transcript(messages: Sequence[Message]) -> str:
    """`User: …` and `Assistant: …` lines under the system prompt, open for the answer."""
    names = {"user": "User: ", "assistant": "Assistant: "}
    lines = [names.get(message.role, "") + message.content.strip() + "\n" for message in messages]
    return "".join(lines) + "Assistant:"


def fold(messages: Sequence[Message]) -> list[Message]:
    """System text moved into the user message after it, equal roles in a row joined."""
    folded: list[Message] = []
    for message in messages:
        said = replace(message, role="user") if message.role == "system" else message
        if folded and _joins(folded[-1], said):
            joined = folded[-1].content + "\n\n" + said.content
            images = folded[-1].images + said.images
            folded[-1] = replace(folded[-1], content=joined, images=images)
        else:
            folded.append(said)
    return folded


def _joins(before: Message, after: Message) -> bool:
    """Calls and results of tools stay each on its own."""
    plain = before.role != "tool" and not before.calls and not after.calls
    return plain and before.role == after.role
