"""HTTP to llama.cpp's server on its UNIX socket: the few routes we use, and their errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from app.domain.errors import SllmError
from app.engine.backends.base import BackendDied
from app.engine.backends.chat_prompt import TemplateRefused

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5)


class LlamaRefused(Exception):
    """The server answered with an error: `status` and its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Words(msgspec.Struct):
    message: str = ""


class _Error(msgspec.Struct):
    error: _Words


class LlamaClient:
    """One connection pool to the server. Not shared between event loops."""

    def __init__(self, socket: Path, key: str) -> None:
        self._socket = socket
        self._headers = {"Authorization": f"Bearer {key}"}
        self._session: aiohttp.ClientSession | None = None
        self._encode = msgspec.json.Encoder().encode

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A connection for each call: the server closes one that was kept open whenever it
            # likes, also just when it is used again, and that would look like its death.
            connector = aiohttp.UnixConnector(path=str(self._socket), limit=0, force_close=True)
            self._session = aiohttp.ClientSession(
                connector=connector, headers=self._headers, timeout=_TIMEOUT
            )
        return self._session

    async def post(self, route: str, body: dict[str, Any]) -> Any:
        """The JSON answer of a short call; raises LlamaRefused or BackendDied."""
        try:
            async with self._request(route, body) as response:
                return msgspec.json.decode(await response.read())
        except aiohttp.ClientError as error:
            raise BackendDied(str(error)) from error

    @asynccontextmanager
    async def stream(self, route: str, body: dict[str, Any]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The data of a server-sent event stream. Leaving early closes the connection, which
        is what cancels the generation."""
        try:
            async with self._request(route, body) as response:
                try:
                    yield _events(response.content)
                finally:
                    response.close()
        except (aiohttp.ClientError, asyncio.IncompleteReadError) as error:
            raise BackendDied(str(error)) from error
        except LlamaRefused as refusal:
            raise SllmError("invalid_parameter", "engine_refused") from refusal

    @asynccontextmanager
    async def _request(
        self, route: str, body: dict[str, Any]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        data = self._encode(body)
        headers = {"Content-Type": "application/json"}
        url = "http://engine" + route
        async with self._open().post(url, data=data, headers=headers) as response:
            if response.status != 200:
                raise refused(response.status, await response.read())
            yield response

    async def tokenize(
        self, text: str, *, parse_special: bool, add_special: bool = False
    ) -> list[int]:
        """Token ids; without `parse_special` a control token's spelling stays plain text."""
        if not text and not add_special:
            return []
        body = {"content": text, "parse_special": parse_special, "add_special": add_special}
        tokens: list[int] = (await self.post("/tokenize", body))["tokens"]
        return tokens

    async def apply_template(self, messages: list[dict[str, Any]]) -> str:
        """The weights' chat template over the messages. Raises TemplateRefused."""
        try:
            answer = await self.post("/apply-template", {"messages": messages})
        except LlamaRefused as refusal:
            raise TemplateRefused(str(refusal)) from refusal
        prompt: str = answer["prompt"]
        return prompt

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def refused(status: int, body: bytes) -> LlamaRefused:
    try:
        return LlamaRefused(status, msgspec.json.decode(body, type=_Error).error.message)
    except msgspec.DecodeError:
        return LlamaRefused(status, "")


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The `data:` of each event; events never contain line breaks here (it is JSON)."""
    buffer = b""
    async for chunk in content.iter_any():
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            if line.startswith((b"data: ", b"error: ")):
                yield line.split(b": ", 1)[1]
