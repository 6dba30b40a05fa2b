"""An orderly end: on SIGTERM new work is refused, running answers may finish, then we go."""

import asyncio
import logging
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from types import FrameType

from app.provider.model_provider import ModelProvider

LOOK_SECONDS = 0.05
SETTLE_SECONDS = 0.3
log = logging.getLogger(__name__)

Handler = Callable[[int, FrameType | None], object]


class Drain:
    """Wraps the web server's signal handlers while the application runs.

    The listener stays open while draining, so that new work is told 503 instead of being cut
    off. A second signal ends the running answers with `shutting_down` at once.
    """

    def __init__(self, models: Sequence[ModelProvider], seconds: float) -> None:
        self._models = models
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None
        self._hurry = False
        self.draining = False

    def install(self) -> None:
        """Must run in the main thread, after the web server has installed its handlers."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.getsignal(number)
            if callable(previous):
                signal.signal(number, self._handler(loop, previous))
        if multiprocessing.parent_process() is not None:
            # A terminal's Ctrl-C reaches every worker as well; the parent passes SIGTERM on.
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _handler(self, loop: asyncio.AbstractEventLoop, leave: Handler) -> Handler:
        def handle(number: int, frame: FrameType | None) -> None:
            if self.draining:
                self._hurry = True
                return
            self.draining = True
            loop.call_soon_threadsafe(self._begin, lambda: leave(number, frame))

        return handle

    def _begin(self, leave: Callable[[], object]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._finish(leave))

    async def _finish(self, leave: Callable[[], object]) -> None:
        if self._active:
            log.info("finishing %d answers; a second signal ends them now", self._active)
        if not await self._idle_within(self._seconds):
            for model in self._models:
                model.end_all()
            # Long enough to write the last event of each; a client that does not read it is cut.
            await asyncio.sleep(SETTLE_SECONDS)
        leave()

    @property
    def _active(self) -> int:
        return sum(model.active for model in self._models)

    async def _idle_within(self, seconds: float) -> bool:
        end = asyncio.get_running_loop().time() + seconds
        while self._active:
            if self._hurry or asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True
