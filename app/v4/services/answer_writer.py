"""Answers into the database while they are generated, and to their end whatever becomes of the
request that asked for them."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from app.database import Database, answers
from app.database.records import Answer
from app.domain.errors import SllmError
from app.domain.generation import Finished, GenerationEvent, Token

SAVE_SECONDS = 1.0
# Ends that say nothing against the answer: what there is of it is worth reading.
CUT = frozenset({"deadline_exceeded", "engine_died", "shutting_down", "storage_full"})
log = logging.getLogger(__name__)

Events = AsyncGenerator[GenerationEvent, None]
Reply = Callable[[Finished], dict[str, Any]]


@dataclass
class _Progress:
    """What there is of an answer, and how much of that is on disk."""

    owner: str
    message_id: str
    pieces: list[str] = field(default_factory=list)
    saved_at: float = field(default_factory=time.monotonic)
    saving: "asyncio.Task[None] | None" = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class AnswerWriter:
    """One for each process. What it has begun to write is written, also when the request that it
    belongs to is cancelled; `finish` waits for that."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tasks: set[asyncio.Task[Any]] = set()

    async def finish(self) -> None:
        """Wait for all that is being written."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def follow(
        self, owner: str, message_id: str, events: Events, reply: Reply
    ) -> AsyncGenerator[GenerationEvent, None]:
        """The same `events`; Finished comes when the answer is on disk, with `reply` of it for
        requests that repeat. Closing early leaves it `interrupted`. Raises SllmError."""
        progress = _Progress(owner, message_id)
        ending = "interrupted"
        try:
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, Token):
                        progress.pieces.append(event.text)
                        self._save_sometimes(progress)
                    elif isinstance(event, Finished):
                        await self._shielded(self._settle(progress, _complete(event, reply)))
                        ending = "complete"
                    yield event
        except SllmError as error:
            ending = ending if error.code in CUT else "failed"
            raise
        finally:
            if ending != "complete":
                await self._shielded(self._leave(progress, ending))

    def _save_sometimes(self, progress: _Progress) -> None:
        """A crash loses at most the last SAVE_SECONDS of an answer; the stream does not wait."""
        due = time.monotonic() - progress.saved_at >= SAVE_SECONDS
        if due and (progress.saving is None or progress.saving.done()):
            progress.saved_at = time.monotonic()
            progress.saving = self._start(self._save(progress, progress.text))

    async def _save(self, progress: _Progress, text: str) -> None:
        try:
            await answers.save_progress(self._database, progress.owner, progress.message_id, text)
        except SllmError as error:  # whoever waits for the answer is told when it ends
            log.warning("an unfinished answer could not be saved: %s", error.code)

    async def _settle(self, progress: _Progress, answer: Answer) -> None:
        if progress.saving is not None:
            await progress.saving
        await answers.settle(self._database, progress.owner, progress.message_id, answer)

    async def _leave(self, progress: _Progress, ending: Any) -> None:
        try:
            await self._settle(progress, Answer(progress.text, ending))
        except SllmError as error:
            # Deleted meanwhile, or no room: it stays pending, and this process marks it at its
            # next start.
            log.warning("an answer was cut and could not be kept: %s", error.code)

    def _start(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _shielded(self, work: Coroutine[Any, Any, Any]) -> None:
        await asyncio.shield(self._start(work))


def _complete(finished: Finished, reply: Reply) -> Answer:
    return Answer(
        finished.text,
        "complete",
        finished.finish_reason,
        finished.usage,
        finished.timings,
        reply(finished),
    )
