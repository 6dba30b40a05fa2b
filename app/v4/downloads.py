"""Answers that are saved as files: their names, and one that is sent while it is read."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Self
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.domain.file_names import ascii_stem, file_stem
from app.streaming import STUCK_SECONDS, wait_until_gone


def attachment(title: str, ending: str) -> dict[str, str]:
    """The headers that save an answer under its title (RFC 6266)."""
    plain, full = f"{ascii_stem(title)}.{ending}", quote(f"{file_stem(title)}.{ending}", safe="")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"
    return {"Content-Disposition": disposition}


class PiecewiseResponse(Response):
    """Sends pieces as they come, and ends with its client, or when that takes nothing for
    STUCK_SECONDS. A failure in between breaks the connection: no client takes half for all."""

    def __init__(
        self,
        first: bytes,
        others: AsyncGenerator[bytes, None],
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        self._first = first
        self._others = others
        super().__init__(headers=headers, media_type=media_type)
        del self.headers["content-length"]

    @classmethod
    async def of(
        cls, pieces: AsyncGenerator[bytes, None], media_type: str, headers: dict[str, str]
    ) -> Self:
        """Once there is a first piece: until then, a failure is an answer of its own."""
        return cls(await anext(pieces, b""), pieces, media_type, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tasks = [asyncio.create_task(work) for work in (self._pump(send), wait_until_gone(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, TimeoutError):
                raise outcome

    async def _pump(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        async with aclosing(self._others) as others:
            await send(start)
            await self._send(send, self._first)
            async for piece in others:
                await self._send(send, piece)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, body: bytes) -> None:
        async with asyncio.timeout(STUCK_SECONDS):
            await send({"type": "http.response.body", "body": body, "more_body": True})
