"""Decoding as the server sees it: a few helper processes, each killed when it takes too long and
replaced when it dies. Nothing of an image is ever looked at in here but its first bytes.
"""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from app.domain.errors import SllmError
from app.images.kinds import FORMATS, media_type_of

HELPERS = 2
MOST_WAITING = 32
SECONDS = 30.0
_ROOT = Path(__file__).resolve().parents[2]


class Decoded(Struct, frozen=True):
    """A PNG under `name` in the decoder's folder, in the hands of whoever asked for it."""

    name: str
    width: int
    height: int
    sha256: str
    media_type: str


class Outcome(Struct, frozen=True):
    """A helper's answer."""

    width: int = 0
    height: int = 0
    sha256: str = ""
    refused: str | None = None


class Helper:
    """One process; `ask` raises EOFError when it has died."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, folder: Path, most_pixels: int) -> "Helper":
        environment = {"PYTHONPATH": str(_ROOT), "PYTHONSAFEPATH": "1", "LC_ALL": "C.UTF-8"}
        if "LD_LIBRARY_PATH" in os.environ:
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app.images.helper", str(folder), str(most_pixels),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            # A terminal's Ctrl-C is not its business; it ends with its standard input.
            start_new_session=True,
        )  # fmt: skip
        return cls(process)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, data: bytes, format_: str, name: str) -> Outcome:
        sink, source = self._process.stdin, self._process.stdout
        assert sink is not None
        assert source is not None
        head = {"size": len(data), "format": format_, "name": name}
        if sink.is_closing():
            raise EOFError
        try:
            sink.write(json.dumps(head).encode() + b"\n")
            sink.write(data)
            await sink.drain()
            line = await source.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise EOFError
        return msgspec.json.decode(line, type=Outcome)

    async def end(self) -> None:
        """At once, whatever it does."""
        if self.alive:
            self._process.kill()
        await self._process.wait()


class Decoder:
    """A bounded pool. `folder` takes the PNGs; whoever gets one moves or removes it."""

    def __init__(self, folder: Path, most_pixels: int, seconds: float = SECONDS) -> None:
        self._folder = folder
        self._most_pixels = most_pixels
        self._seconds = seconds
        self._places = asyncio.Semaphore(HELPERS)
        self._waiting = 0
        self._idle: list[Helper] = []

    async def decode(self, data: bytes) -> Decoded:
        """Raises SllmError: `unsupported_media_type`, `invalid_image`, `storage_full`, or
        `overloaded` when too many wait already."""
        media_type = media_type_of(data)
        name = f"{secrets.token_hex(16)}.part"
        async with self._place():
            outcome = await self._outcome(data, FORMATS[media_type], name)
        if outcome.refused is not None:
            raise refusal(outcome.refused, self._most_pixels)
        return Decoded(name, outcome.width, outcome.height, outcome.sha256, media_type)

    async def _outcome(self, data: bytes, format_: str, name: str) -> Outcome:
        """An image that a helper dies of (its limits, or a bug of the library), or that takes too
        long, is invalid. A helper may have died before; only a new one is surely to blame."""
        for new in (False, True):
            async with self._helper(name, new) as helper:
                try:
                    async with asyncio.timeout(self._seconds):
                        return await helper.ask(data, format_, name)
                except EOFError:
                    await helper.end()
                except TimeoutError:
                    raise SllmError("invalid_image", param="images") from None
        raise SllmError("invalid_image", param="images")

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._waiting >= MOST_WAITING:
            raise SllmError("overloaded", "images_busy", retry_after=2)
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    @asynccontextmanager
    async def _helper(self, name: str, new: bool) -> AsyncIterator[Helper]:
        """What it was doing when this block fails, or when it dies, is undone."""
        helper = None if new or not self._idle else self._idle.pop()
        helper = helper or await Helper.start(self._folder, self._most_pixels)
        try:
            yield helper
        except BaseException:
            # Whoever asked has gone, in the middle of an answer: the next one must not get it.
            await asyncio.shield(asyncio.ensure_future(helper.end()))
            raise
        finally:
            if helper.alive:
                self._idle.append(helper)
            else:
                (self._folder / name).unlink(missing_ok=True)

    async def close(self) -> None:
        """End every helper."""
        for helper in self._idle:
            await helper.end()
        self._idle.clear()


def refusal(text: str, most_pixels: int) -> SllmError:
    """The answer to an image that a helper has refused."""
    if text == "storage_full":
        return SllmError("storage_full")
    return SllmError("invalid_image", text, param="images", limit=most_pixels)
