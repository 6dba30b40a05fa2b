"""The thread that computes: takes sequences in, steps the batch, hands outcomes to the event loop.

Everything of the batch happens in this thread; the event loop only sends and receives.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from app.engine.backends.base import BackendDied
from app.engine.onnx.batch import Batch
from app.engine.onnx.sequence import Outcome, Sequence
from app.engine.onnx.session import ERRORS
from app.engine.scheduling_class import batch_threads

T = TypeVar("T")


class StepLoop:
    """Started once, on the running event loop."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._inbox: SimpleQueue[tuple[Sequence, bool] | Callable[[], None] | None]
        self._inbox = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._open: set[Sequence] = set()
        self._waiting: set[asyncio.Future[Any]] = set()
        self._died: BackendDied | None = None
        with batch_threads():
            self._thread = threading.Thread(target=self._run, name="onnx-steps", daemon=True)
            self._thread.start()

    def submit(self, sequence: Sequence) -> None:
        """Raises BackendDied when the thread has ended by an error."""
        if self._died is not None:
            raise self._died
        self._open.add(sequence)
        self._inbox.put((sequence, True))

    def leave(self, sequence: Sequence) -> None:
        """The slot may be given away at once: what is sent after this is done after it."""
        self._open.discard(sequence)
        self._inbox.put((sequence, False))

    async def run(self, work: Callable[[], T]) -> T:
        """Do something with what the batch uses between two of its steps. Raises OSError where
        `work` does, and BackendDied when the thread has ended by an error."""
        if self._died is not None:
            raise self._died
        done: asyncio.Future[T] = self._loop.create_future()
        self._waiting.add(done)
        done.add_done_callback(self._waiting.discard)

        def act() -> None:
            try:
                result = work()
            except OSError as error:
                self._loop.call_soon_threadsafe(_fail, done, error)
            else:
                self._loop.call_soon_threadsafe(_succeed, done, result)

        self._inbox.put(act)
        return await done

    async def close(self) -> None:
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            while self._receive():
                self._send(self._batch.step())
        except ERRORS as error:
            self._loop.call_soon_threadsafe(self._bury, BackendDied(str(error)))
        except BaseException as error:
            self._loop.call_soon_threadsafe(self._bury, BackendDied(repr(error)))
            raise

    def _receive(self) -> bool:
        """Take in all that has been sent; wait for something while there is nothing to compute.
        False: the end."""
        while not self._inbox.empty() or not self._batch.busy:
            message = self._inbox.get()
            if message is None:
                return False
            if callable(message):
                message()
                continue
            sequence, joins = message
            if joins:
                self._batch.add(sequence)
            else:
                self._batch.remove(sequence)
        return True

    def _send(self, sequences: list[Sequence]) -> None:
        """What has happened to all of them, in one call across the threads."""
        told = [(sequence, sequence.take_outcomes()) for sequence in sequences]
        self._loop.call_soon_threadsafe(_deliver, told)

    def _bury(self, death: BackendDied) -> None:
        self._died = death
        for sequence in self._open:
            sequence.deliver(death)
        for done in self._waiting:
            _fail(done, death)


def _succeed(done: "asyncio.Future[T]", result: T) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: "asyncio.Future[Any]", error: Exception) -> None:
    if not done.done():
        done.set_exception(error)


def _deliver(told: list[tuple[Sequence, list[Outcome]]]) -> None:
    for sequence, outcomes in told:
        for outcome in outcomes:
            sequence.deliver(outcome)
