"""A deterministic stand-in for a model: most tests run on it, no weights needed.

One token is a run of non-blanks with the blanks before it. The answer echoes the newest
message; words of the form `#name=value` in it direct the script (see `Script`). One that sees
tells of the pictures first, and knows their size and their pixels only by the file.
"""

import asyncio
import json
import os
import re
import signal
import zlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Literal

from PIL import Image

from app.domain.errors import SllmError
from app.domain.logprobs import Alternative, TokenLogprob
from app.domain.messages import Message, Picture
from app.domain.model_info import ModelInfo
from app.domain.options import GenerationOptions
from app.domain.pictures import pixels_digest
from app.domain.tools import Tool
from app.engine.backends.base import BackendEvent, End, Piece, Progress, refuse_images
from app.engine.image_rows import image_rows
from app.engine.slots import common_prefix
from app.engine.spec import EngineSpec

_TOKEN = re.compile(r"\s*\S+|\s+")
_ANSWER = "#answer="
_DIRECTIVE = re.compile(r"#(\w+)=(\S+)")
# Prompts whose messages are known; the same prompt may be asked many times at once.
REMEMBERED = 1000
# What the stand-in sees at once, in pixels; a feature row for each.
PATCH = 16
MOST_PATCHES = 64


Reason = Literal["stop", "length"]


@dataclass(frozen=True)
class Script:
    """What the newest message asks of the stand-in, as `#name=value` words.

    words: length of the answer; pace: milliseconds per token; prefill: milliseconds per batch
    of 64 prompt tokens; crash: die at that token; hang: stop answering at that token; show: 1
    answers with all that it was shown. What stands after `#answer=` is the answer.
    """

    words: int | None = None
    pace: int = 0
    prefill: int = 0
    crash: int | None = None
    hang: int | None = None
    show: int = 0

    @classmethod
    def of(cls, text: str) -> "Script":
        known = {name: int(value) for name, value in _DIRECTIVE.findall(text) if value.isdigit()}
        return cls(**{name: known[name] for name in cls.__annotations__ if name in known})


class ScriptedBackend:
    """Echoes, with slots, a prefix cache and batches like the real ones."""

    kv_format = "scripted 1"

    def __init__(self, spec: EngineSpec) -> None:
        self.info = ModelInfo(
            id=spec.id,
            format="scripted",
            architecture="scripted",
            quantization="none",
            parameters=0,
            languages=spec.languages,
            context_length=spec.context_length,
            training_context_length=spec.context_length,
            slots=spec.slots,
            device="cpu",
            gpu_layers=0,
            settings={"batch": spec.batch},
            vision=spec.vision,
            tools=True,
        )
        self._held: dict[int, list[int]] = {}
        self._asked: dict[tuple[int, ...], tuple[Message, ...]] = {}

    async def open(self) -> None:
        """Nothing is needed."""

    async def prompt(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), owner: str = ""
    ) -> list[int]:
        if self.info.vision is None:
            refuse_images(messages)
        ids = await self.tokens("".join(f" <tool {tool.name}>" for tool in tools))
        for message in messages:
            ids += await self.tokens(f" <{message.role}>" if ids else f"<{message.role}>")
            for picture in message.images:
                ids += image_rows(picture, patches(picture))
            ids += await self.tokens(f" {message.content} </{message.role}>")
        ids += await self.tokens(" <assistant>")
        self._asked[tuple(ids)] = tuple(messages)
        while len(self._asked) > REMEMBERED:
            del self._asked[next(iter(self._asked))]
        return ids

    def forget(self, owner: str) -> None:
        """Nothing is remembered of owners."""

    async def continued(self, text: str) -> list[int]:
        ids = await self.tokens(text)
        self._asked[tuple(ids)] = (Message("user", text),)
        return ids

    async def image_tokens(self, message: Message) -> tuple[int, ...]:
        return tuple(map(patches, message.images))

    async def tokens(self, text: str) -> list[int]:
        return [_id(piece) for piece in _TOKEN.findall(text)]

    async def generate(
        self,
        prompt: list[int],
        options: GenerationOptions,
        slot: int,
        reuse: bool,
        held: int | None = None,
    ) -> AsyncGenerator[BackendEvent, None]:
        messages = self._asked.get(tuple(prompt), (Message("user", ""),))
        newest = messages[-1].content
        script = Script.of(newest)
        cached = common_prefix(self._held.get(slot, []), prompt[:-1]) if reuse else 0
        self._held[slot] = list(prompt)
        for start in range(cached, len(prompt), 64):
            await asyncio.sleep(script.prefill / 1000)
            yield Progress(min(start + 64, len(prompt)), len(prompt), cached)
        if newest.startswith("#refuse"):
            raise SllmError("invalid_parameter", param="message")
        answer = _answer(messages, script)
        kept, reason = _until(answer, options)
        for number, piece in enumerate(kept):
            await _act(script, number)
            yield _piece(piece, options.logprobs)
        yield End(reason, len(kept), cached, float(script.prefill))

    async def save_slot(self, slot: int, tokens: Sequence[int], file: Path) -> int:
        count = common_prefix(self._held.get(slot, []), list(tokens))
        held = json.dumps(self._held.get(slot, [])[:count])
        _write(file, held)
        return count

    async def restore_slot(self, slot: int, tokens: Sequence[int], file: Path) -> bool:
        self._held[slot] = json.loads(_read(file))
        return True

    async def close(self) -> None:
        """Nothing is held."""


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="ascii")


def _read(file: Path) -> str:
    return file.read_text(encoding="ascii")


def patches(picture: Picture) -> int:
    """Feature rows of a picture."""
    return min(MOST_PATCHES, -(-picture.width // PATCH) * -(-picture.height // PATCH))


def _answer(messages: Sequence[Message], script: Script) -> list[str]:
    if script.show:
        return [f"[{message.role}: {_seen(message)}{message.content}]" for message in messages]
    if _ANSWER in messages[-1].content:
        return _TOKEN.findall(messages[-1].content.partition(_ANSWER)[2])
    count = sum(len(message.images) for message in messages)
    seen = "".join(map(_seen, messages))
    sight = f"I see {count} image{'s' * (count != 1)}: {seen.rstrip(', ')}. " if count else ""
    words = _TOKEN.findall(f"{sight}You said: {messages[-1].content}")
    if script.words is None:
        return words
    return [f" word{number}" for number in range(script.words)]


def _seen(message: Message) -> str:
    return "".join(f"{_looked_at(picture)}, " for picture in message.images)


def _looked_at(picture: Picture) -> str:
    """By its file, as a model would: `40x20 #1f2e3d4c`, and what is known of its texts."""
    with Image.open(picture.file) as image:
        image.load()
        digest = pixels_digest(image.width, image.height, image.tobytes())
        hints = [picture.ocr, picture.lens_keywords, picture.lens_local_keywords]
        return " ".join([f"{image.width}x{image.height}", f"#{digest[:8]}", *filter(None, hints)])


def _until(answer: list[str], options: GenerationOptions) -> tuple[list[str], Reason]:
    kept: list[str] = []
    for piece in answer:
        if len(kept) == options.max_tokens:
            return kept, "length"
        text = "".join(kept) + piece
        cut = min((text.find(s) for s in options.stop if s in text), default=-1)
        if cut >= 0:
            return _TOKEN.findall(text[:cut]), "stop"
        kept.append(piece)
    return kept, "stop"


def _piece(text: str, alternatives: int | None) -> Piece:
    """One token. The stand-in says what it says with probability 1/2, the same with a question
    mark with 1/4, with two with 1/8, and so on."""
    token = _id(text)
    if alternatives is None:
        return Piece(text, (token,))
    spellings = [text + "?" * marks for marks in range(alternatives)]
    top = (
        Alternative(_id(each), each.encode(), -rank * log(2))
        for rank, each in enumerate(spellings, start=1)
    )
    return Piece(text, (token,), (TokenLogprob(token, text.encode(), -log(2), tuple(top)),))


def _id(text: str) -> int:
    return zlib.crc32(text.encode())


async def _act(script: Script, number: int) -> None:
    if number == script.crash:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == script.hang:
        await asyncio.Event().wait()
    await asyncio.sleep(script.pace / 1000)
