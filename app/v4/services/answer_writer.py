"""Answers into the database while they are generated, and to their end whatever becomes of the
request that asked for them."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from app.database import Database, answers
from app.database.records import Answer, Turn
from app.domain.errors import SllmError
from app.domain.generation import Accepted, Finished, GenerationEvent, Token
from app.domain.parts import Parts
from app.v1.services.chat_service import Chat

SAVE_SECONDS = 1.0
RETRY_SECONDS = 2.0
# Worth another try: there may be room again, or somebody else has finished writing.
PASSING = frozenset({"storage_full", "overloaded"})
# Ends that say nothing against the answer: what there is of it is worth reading.
CUT = frozenset({"deadline_exceeded", "engine_died", "shutting_down", "storage_full"})
log = logging.getLogger(__name__)

Ending = Literal["complete", "interrupted", "failed"]
Reply = Callable[[Finished], dict[str, Any]]
# From a message's id and what its model has written to what is shown of it, and what that is made
# of where it is more than words.
Read = Callable[[str, str], tuple[str, Parts | None]]


def words(message_id: str, text: str) -> tuple[str, Parts | None]:
    """The Read of answers that are nothing but words."""
    return text, None


@dataclass
class _Progress:
    """What there is of an answer, and how much of that is on disk."""

    owner: str
    message_id: str
    read: Read = words
    error: str | None = None
    pieces: list[str] = field(default_factory=list)
    answer: Answer | None = None
    saved_at: float = field(default_factory=time.monotonic)
    saving: "asyncio.Task[None] | None" = None

    def shown(self) -> tuple[str, Parts | None]:
        return self.read(self.message_id, "".join(self.pieces))


class AnswerWriter:
    """One for each process. What it has begun to write is written, also when the request that it
    belongs to is cancelled; `finish` waits for that."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tasks: set[asyncio.Task[Any]] = set()
        self._owed: list[tuple[_Progress, Answer]] = []
        self._closing = asyncio.Event()

    async def finish(self) -> None:
        """Wait for all that is being written; what cannot be written now is not waited for."""
        self._closing.set()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def begin(self, owner: str, asking: Coroutine[Any, Any, Turn]) -> Turn:
        """The turn that `asking` stores. When this is cancelled, its answer is marked as cut."""
        stored = self._start(asking)
        try:
            turn: Turn = await asyncio.shield(stored)
        except asyncio.CancelledError:
            self._start(self._abandon(owner, stored))
            raise
        return turn

    async def follow(
        self, owner: str, message_id: str, chat: Chat, reply: Reply, read: Read = words
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Accepted at once, then the events of `chat`; Finished comes when the answer is on disk
        as `read` reads it, with `reply` of it for requests that repeat. Closing early leaves it
        `interrupted`. Raises SllmError."""
        progress = _Progress(owner, message_id, read)
        ending: Ending = "interrupted"
        try:
            yield Accepted(chat.context)
            async with aclosing(chat.events) as events:
                async for event in events:
                    if isinstance(event, Token):
                        progress.pieces.append(event.text)
                        self._save_sometimes(progress)
                    elif isinstance(event, Finished):
                        progress.answer = _complete(event, reply, progress)
                        await self._shielded(self._settle(progress, progress.answer))
                        ending = "complete"
                    yield event
        except SllmError as error:
            ending = ending if error.code in CUT else "failed"
            progress.error = error.code
            raise
        finally:
            if ending != "complete":
                await self._shielded(self._leave(progress, ending))

    def _save_sometimes(self, progress: _Progress) -> None:
        """A crash loses at most the last SAVE_SECONDS of an answer; the stream does not wait."""
        due = time.monotonic() - progress.saved_at >= SAVE_SECONDS
        if due and (progress.saving is None or progress.saving.done()):
            progress.saved_at = time.monotonic()
            progress.saving = self._start(self._save(progress, *progress.shown()))

    async def _save(self, progress: _Progress, text: str, parts: Parts | None) -> None:
        owner, message_id = progress.owner, progress.message_id
        try:
            await answers.save_progress(self._database, owner, message_id, text, parts)
        except SllmError as error:  # whoever waits for the answer is told when it ends
            log.warning("an unfinished answer could not be saved: %s", error.code)

    async def _settle(self, progress: _Progress, answer: Answer) -> None:
        if progress.saving is not None:
            await progress.saving
        await answers.settle(self._database, progress.owner, progress.message_id, answer)

    async def _leave(self, progress: _Progress, ending: Ending) -> None:
        """Keep what there is. The conversation may be gone, or the answer stored after all."""
        answer = progress.answer or _cut(progress, ending)
        try:
            await self._settle(progress, answer)
        except SllmError as error:
            log.info("an answer that was cut is not stored now: %s", error.code)
            if error.code in PASSING:
                self._owe(progress, answer)

    async def _abandon(self, owner: str, stored: "asyncio.Task[Turn]") -> None:
        try:
            turn = await stored
        except SllmError:
            return
        if not turn.repeated:
            await self._leave(_Progress(owner, turn.answer.id), "interrupted")

    def _owe(self, progress: _Progress, answer: Answer) -> None:
        """Until it is stored, nobody can go on with its conversation."""
        self._owed.append((progress, answer))
        if len(self._owed) == 1:
            self._start(self._pay())

    async def _pay(self) -> None:
        while self._owed and not self._closing.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._closing.wait()
            progress, answer = self._owed[0]
            try:
                await self._settle(progress, answer)
            except SllmError as error:
                if error.code in PASSING:
                    continue
            del self._owed[0]

    def _start(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _shielded(self, work: Coroutine[Any, Any, Any]) -> None:
        await asyncio.shield(self._start(work))


def _complete(finished: Finished, reply: Reply, progress: _Progress) -> Answer:
    text, parts = progress.read(progress.message_id, finished.text)
    return Answer(
        text,
        "complete",
        finished.finish_reason,
        finished.usage,
        finished.timings,
        reply(finished),
        parts,
    )


def _cut(progress: _Progress, ending: Ending) -> Answer:
    text, parts = progress.shown()
    facts = {"error": progress.error} if progress.error else None
    return Answer(text, ending, parts=parts, facts=facts)
