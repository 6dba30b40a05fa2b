"""What chats of everybody begin with, computed in idle moments and kept: whoever is the first to
use a built-in template waits no longer than the second.

Always the same, whoever has asked for what: so nobody learns from it what others do.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence

from app.domain.errors import SllmError
from app.domain.messages import Message
from app.engine.backends.base import Backend, BackendDied
from app.engine.kv.keeper import EVERYBODY, Keeper
from app.engine.scheduler import Scheduler
from app.engine.slots import common_prefix

# Whoever asks right after the start is served first.
IDLE_SECONDS = 1.0
log = logging.getLogger(__name__)


class Warmer:
    """Computes the heads that workers `want`, each once, one at a time."""

    def __init__(self, backend: Backend, keeper: Keeper, scheduler: Scheduler) -> None:
        self._backend, self._keeper, self._scheduler = backend, keeper, scheduler
        self._seen: set[tuple[Message, ...]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def want(self, heads: Sequence[tuple[Message, ...]]) -> None:
        """Every worker asks for the same."""
        for head in heads:
            if head not in self._seen:
                self._seen.add(head)
                task = asyncio.create_task(self._warm(head))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _warm(self, head: tuple[Message, ...]) -> None:
        async with self._turn:
            try:
                await self._compute(await self._tokens(head))
            except SllmError as error:
                # Such as weights whose template takes no system message.
                log.debug("a template's beginning is not computed ahead: %s", error)
            except BackendDied:
                log.warning("a template's beginning is not computed ahead: the engine has died")

    async def _tokens(self, head: tuple[Message, ...]) -> list[int]:
        """What prompts with this head have in common, whatever comes after it."""
        one, other = [
            await self._backend.prompt([*head, Message("user", text)]) for text in ("A", "나")
        ]
        return list(one[: common_prefix(one, other)])

    async def _compute(self, tokens: list[int]) -> None:
        name = hashlib.sha256(repr(tokens).encode()).hexdigest()
        while self._keeper.lacks(tokens):
            await self._scheduler.idle(IDLE_SECONDS)
            if await self._scheduler.compute(EVERYBODY, name, tokens):
                return
