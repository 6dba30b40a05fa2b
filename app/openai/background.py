"""Answers that are written while nobody waits for them: to their end, or until they are cancelled,
by whichever worker of this server is asked."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from app.domain.errors import SllmError

LOOK_SECONDS = 0.5
log = logging.getLogger(__name__)
Cancelled = Callable[[], Awaitable[bool]]


class Background:
    """One for each process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, events: AsyncGenerator[Any, None], cancelled: Cancelled) -> None:
        """Have `events` come to their end, unless `cancelled` says that nobody wants it."""
        task = asyncio.get_running_loop().create_task(_written(events, cancelled))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """What is not written by now is kept as far as it came."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _written(events: AsyncGenerator[Any, None], cancelled: Cancelled) -> None:
    writing = asyncio.create_task(_drained(events))
    try:
        while not (await asyncio.wait([writing], timeout=LOOK_SECONDS))[0]:
            if await cancelled():
                return
    finally:
        writing.cancel()
        [outcome] = await asyncio.gather(writing, return_exceptions=True)
        if isinstance(outcome, Exception):
            log.error("an answer in the background has failed", exc_info=outcome)


async def _drained(events: AsyncGenerator[Any, None]) -> None:
    try:
        async with aclosing(events):
            async for _ in events:
                pass
    except SllmError:
        return  # how it ended is kept with the answer
