"""Prompts with images for llama.cpp: a text with a marker where each image goes, and the same
prompt as token ids for the scheduler, whose places of images are ids below zero.

llama.cpp reads control tokens out of a prompt with images and cannot be told not to, so a
message's own spellings of them are broken up; the marker is a secret of this process.
"""

import asyncio
import base64
import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from app.domain.errors import SllmError
from app.domain.messages import Message, Picture
from app.domain.model_info import VisionInfo
from app.domain.tools import Tool
from app.engine.backends.base import LoadError
from app.engine.backends.chat_prompt import (
    ALWAYS_CONTROL,
    ChatPrompt,
    PlainPrompt,
    TextEngine,
    transcript,
)
from app.engine.backends.llama_client import LlamaClient, LlamaRefused
from app.engine.backends.prompt_segments import any_of
from app.engine.image_rows import image_rows

# llama.cpp reads it once in a process, from the environment.
MARKER_VARIABLE = "LLAMA_MEDIA_MARKER"
MARKER = f"<__media_{secrets.token_hex(16)}__>"
# Invisible, and within a spelling it keeps the tokenizer from seeing a control token.
WORD_JOINER = "\u2060"
# llama.cpp's chat templates want a URL where an image goes; this one is never decoded.
_PLACE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
_PNG = b"\x89PNG\r\n\x1a\n"
MOST_SIZES = 1024


class PicturedPrompt(list[int]):
    """A prompt's ids, as for every backend, with what llama.cpp is sent instead of them."""

    def __init__(self, ids: list[int], text: str, pictures: tuple[Picture, ...]) -> None:
        super().__init__(ids)
        self.text, self.pictures = text, pictures

    async def body(self) -> dict[str, Any]:
        """The `prompt` of a completion request. Raises SllmError when a picture is gone."""
        images = [await asyncio.to_thread(_encoded, picture) for picture in self.pictures]
        return {"prompt_string": self.text, "multimodal_data": images}


def _encoded(picture: Picture) -> str:
    """Our own PNG in base64. Anything else stays here: llama.cpp hands what it cannot decode to
    programs that it looks for on the machine."""
    try:
        data = Path(picture.file).read_bytes()
    except OSError as error:
        raise SllmError("invalid_image", "invalid_image", param="images") from error
    if not data.startswith(_PNG):
        raise SllmError("invalid_image", "invalid_image", param="images")
    return base64.b64encode(data).decode()


class ImageTokens:
    """How many tokens an image takes, asked of the library itself: once where it is the same for
    all images (`fixed`), else once for each size."""

    def __init__(self, client: LlamaClient, fixed: bool) -> None:
        self._client, self._fixed = client, fixed
        self._known: OrderedDict[tuple[int, int], int] = OrderedDict()
        self._asking = asyncio.Lock()

    async def of(self, picture: Picture) -> int:
        size = (0, 0) if self._fixed else (picture.width, picture.height)
        async with self._asking:
            if size not in self._known:
                self._known[size] = await self._ask(picture)
            self._known.move_to_end(size)
            while len(self._known) > MOST_SIZES:
                self._known.popitem(last=False)
            return self._known[size]

    def measured(self, vision: VisionInfo | None, tokens: int) -> VisionInfo | None:
        """`vision` with what an image was seen to take, where that holds for all images."""
        if vision is None or not self._fixed:
            return vision
        return replace(vision, tokens_min=tokens, tokens_max=tokens)

    async def _ask(self, picture: Picture) -> int:
        """By a prompt of the image alone. The full stop is needed: llama.cpp ends the process
        for a prompt whose last token is an image's."""
        text = MARKER + "."
        prompt = await PicturedPrompt([], text, (picture,)).body()
        body = {"prompt": prompt, "n_predict": 0, "cache_prompt": False}
        try:
            tokens: int = (await self._client.post("/completion", body))["tokens_evaluated"]
        except LlamaRefused as refusal:
            raise SllmError("invalid_image", "invalid_image", param="images") from refusal
        return tokens - len(await text_ids(self._client, text))


async def text_ids(client: LlamaClient, text: str) -> list[int]:
    """The ids of a prompt's text without its images, cut at the markers as llama.cpp does."""
    return [token for run in await _runs(client, text) for token in run]


async def _runs(client: LlamaClient, text: str) -> list[list[int]]:
    return [
        await client.tokenize(run, parse_special=True, add_special=number == 0)
        for number, run in enumerate(text.split(MARKER))
    ]


class PictureChatPrompt(ChatPrompt):
    """Chat prompts of weights that see; those without images are as for any weights."""

    def __init__(
        self,
        texts: TextEngine,
        client: LlamaClient,
        control_tokens: Sequence[str],
        tokens: ImageTokens,
    ) -> None:
        super().__init__(texts, control_tokens)
        self._server, self._tokens = client, tokens

    async def ids(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), owner: str = ""
    ) -> list[int]:
        if not any(message.images for message in messages):
            return await super().ids(messages, tools, owner)
        safe = [_broken_up(message, self._control) for message in messages]
        text = await self._render(safe)
        return await _pictured(self._server, self._tokens, text, messages)

    def _contents(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return [{"role": message.role, "content": _parts(message)} for message in messages]


class PicturePlainPrompt(PlainPrompt):
    """Transcripts with images, of weights without a chat template."""

    def __init__(
        self, client: LlamaClient, control_tokens: Sequence[str], tokens: ImageTokens
    ) -> None:
        super().__init__(client)
        self._server, self._tokens = client, tokens
        self._control = any_of({*control_tokens, *ALWAYS_CONTROL})

    async def ids(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), owner: str = ""
    ) -> list[int]:
        if not any(message.images for message in messages):
            return await super().ids(messages, tools, owner)
        safe = [_broken_up(message, self._control) for message in messages]
        marked = [
            Message(message.role, MARKER * len(message.images) + message.content)
            for message in safe
        ]
        return await _pictured(self._server, self._tokens, transcript(marked), messages)


async def _pictured(
    client: LlamaClient, tokens: ImageTokens, text: str, messages: Sequence[Message]
) -> PicturedPrompt:
    """Raises SllmError for a template that leaves images out, or puts nothing after them."""
    pictures = tuple(picture for message in messages for picture in message.images)
    runs = await _runs(client, text)
    if len(runs) != len(pictures) + 1 or not runs[-1]:
        raise SllmError("unsupported_by_engine", "images_unsupported", param="images")
    ids = runs[0]
    for picture, run in zip(pictures, runs[1:], strict=True):
        ids = ids + image_rows(picture, await tokens.of(picture)) + run
    return PicturedPrompt(ids, text, pictures)


def _broken_up(message: Message, control: re.Pattern[str]) -> Message:
    safe = control.sub(lambda found: found[0][0] + WORD_JOINER + found[0][1:], message.content)
    return Message(message.role, safe, message.images)


def _parts(message: Message) -> str | list[dict[str, Any]]:
    """A message's content for a chat template: images first, then the text."""
    if not message.images:
        return message.content
    return [_PLACE] * len(message.images) + [{"type": "text", "text": message.content}]


async def try_image(tokens: ImageTokens, folder: Path) -> int:
    """Let the model see a grey square: how many tokens it takes. Raises LoadError when the
    projector does not work."""
    from PIL import Image

    file = folder / "first.png"
    Image.new("RGB", (64, 64), (128, 128, 128)).save(file)
    try:
        return await tokens.of(Picture(str(file), "0" * 64, 64, 64))
    except SllmError as error:
        raise LoadError("load_failed", reason="mmproj") from error
    finally:
        file.unlink()
