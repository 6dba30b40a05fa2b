"""One engine for all workers of a server: the owner starts and watches it, all connect.

Every worker runs a Supervisor. Whoever gets the lock is the owner; when it dies another worker
takes over and keeps the running engine, so that no stream of the others is lost.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from app.domain.errors import SllmError
from app.domain.model_info import Notice
from app.engine import head_start
from app.engine.client import EngineClient
from app.engine.launcher import EngineFailed, begin, loaded
from app.engine.lifeline import is_gone, kill
from app.engine.runtime_dir import EngineStatus, OwnerLock, StatusFile
from app.engine.spec import EngineSpec

LOOK_SECONDS = 0.1
REACH_SECONDS = 2.0
SILENT_SECONDS = 3.0
DEAD_SECONDS = 15.0
STALLED_SECONDS = 60.0
HEALTHY_SECONDS = 60.0
MAX_BACKOFF_SECONDS = 30.0
# An engine may take 5 s to write what it keeps.
LEAVE_SECONDS = 6.0

Say = Callable[[Notice], None]
Prepare = Callable[[Path, Say], Awaitable[EngineSpec]]
log = logging.getLogger(__name__)


class Supervisor:
    """Keeps `client` connected to the engine in `directory`, and as the owner keeps the
    engine running. `prepare` makes the weights ready and says what it does; it raises
    EngineFailed when they are not to be had. `describe` words a reason for the log, `greet` is
    told of every engine that is connected to."""

    def __init__(
        self,
        directory: Path,
        prepare: Prepare,
        describe: Callable[[Notice], str] = repr,
        greet: Callable[[EngineClient], None] = lambda _: None,
    ) -> None:
        self._directory = directory
        self._prepare = prepare
        self._describe = describe
        self._greet = greet
        self._lock = OwnerLock(directory)
        self._status = StatusFile(directory)
        self._client: EngineClient | None = None
        self._lost = asyncio.Event()
        self._found = asyncio.Event()
        self._look = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._restarts = 0

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._stay_connected()), loop.create_task(self._own())]
        for task in self._tasks:
            task.add_done_callback(self._report_bug)

    async def stop(self) -> None:
        """Let go of the engine; it ends when the last worker has. Its owner waits for that: where
        the server's end is everybody's, as in a container, it could write nothing any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            pid = self._client.pid
            self._client.leave()
            owner = self._lock.held
            self._lock.release()
            if owner:
                await _ended(pid)
        self._lock.release()

    @property
    def client(self) -> EngineClient:
        """The connected engine. Raises `model_loading` or `model_unavailable`."""
        status = self.status
        if status.state == "ready" and self._client is not None:
            return self._client
        if status.state == "failed":
            reason = status.reason or Notice("model_unavailable")
            values: dict[str, Any] = dict(reason.values)
            raise SllmError("model_unavailable", reason.text, retry_after=10, **values)
        raise SllmError("model_loading", retry_after=2)

    async def reach(self) -> EngineClient:
        """`client`; waits a moment for an engine that is ready but not connected to yet, as after
        another worker has told that it is ready. Raises as `client`."""
        if self._client is None and self._status.read().state == "ready":
            with suppress(TimeoutError):
                async with asyncio.timeout(REACH_SECONDS):
                    await self._found.wait()
        return self.client

    @property
    def status(self) -> EngineStatus:
        """As this worker sees it: only a connected engine that shows life is ready."""
        if self._client is None:
            said = self._status.read()
            return EngineStatus("loading") if said.state == "ready" else said
        pulse = self._client.pulse
        if self._client.silent_seconds > SILENT_SECONDS or pulse.idle_seconds > STALLED_SECONDS:
            return EngineStatus("failed", Notice("engine_stalled"))
        return EngineStatus("ready", pid=self._client.pid)

    @property
    def connected(self) -> EngineClient | None:
        return self._client

    @property
    def restarts(self) -> int:
        """Engines of this server that have ended, whoever watched them."""
        return self._status.read().restarts

    async def _stay_connected(self) -> None:
        while True:
            if self._status.read().state == "ready" and await self._connect():
                await self._lost.wait()
            # Not wait_for: Python 3.11's forgets a cancel that comes just as the wait ends, and
            # then the server could not stop.
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look.wait()
            self._look.clear()

    async def _connect(self) -> bool:
        socket = self._directory / "engine.sock"
        self._lost.clear()
        try:
            self._client = await EngineClient.connect(socket, self._disconnected)
        except (OSError, TimeoutError):
            return False
        self._found.set()
        self._greet(self._client)
        if self._lock.held:
            for notice in self._client.info.warnings:
                log.warning("%s", self._describe(notice))
        return True

    def _disconnected(self) -> None:
        self._client = None
        self._found.clear()
        self._lost.set()

    async def _own(self) -> None:
        while not self._lock.try_acquire():  # noqa: ASYNC110 - another process holds it
            await asyncio.sleep(LOOK_SECONDS)
        self._restarts = self._status.read().restarts
        await self._adopt()
        pause = 0.0
        while True:
            started = time.monotonic()
            ready = await self._run_once()
            if ready and time.monotonic() - started > HEALTHY_SECONDS:
                pause = 0.0
            # The first restart is immediate; an engine that keeps dying, and weights that
            # cannot be loaded, get longer and longer pauses.
            await asyncio.sleep(pause if ready else max(pause, 2.0))
            pause = min(MAX_BACKOFF_SECONDS, max(1.0, pause * 2))

    async def _adopt(self) -> None:
        """Take over the engine of an owner that died: watch it until it goes."""
        status = self._status.read()
        if status.state != "ready" or status.pid is None:
            return
        log.info("taking over the engine, process %d", status.pid)
        while self._client is not None or await self._connect():
            await self._watch(status.pid)
        kill(status.pid)
        self._ended()

    async def _run_once(self) -> bool:
        """Prepare, start and watch one engine; whether it ever was ready."""
        try:
            launch = head_start.take(self._directory)
            if launch is None:
                launch = await begin(await self._prepare(self._directory, self._say))
            self._say(Notice("loading_weights", {"model": launch.spec.id}))
            process = await loaded(launch)
        except EngineFailed as failure:
            log.warning("the model cannot be served: %s", self._describe(failure.reason))
            self._tell(EngineStatus("failed", failure.reason))
            return False
        self._tell(EngineStatus("ready", pid=process.pid))
        self._look.set()
        waiting = asyncio.ensure_future(process.wait())
        while not waiting.done():
            await self._watch(process.pid, waiting)
        log.error("the engine has ended with code %s", process.returncode)
        self._ended()
        return True

    async def _watch(self, pid: int, ended: "asyncio.Future[int] | None" = None) -> None:
        """One look: an engine that shows no life is killed, so that a new one can start."""
        if ended is None:
            await asyncio.sleep(LOOK_SECONDS)
        else:
            await asyncio.wait([ended], timeout=1.0)
        if self._client is not None and self._client.silent_seconds > DEAD_SECONDS:
            log.error("the engine has shown no life for %d s: killing it", DEAD_SECONDS)
            kill(pid)

    def _ended(self) -> None:
        self._restarts += 1
        self._tell(EngineStatus("loading"))

    def _say(self, reason: Notice) -> None:
        self._tell(EngineStatus("loading", reason))

    def _tell(self, status: EngineStatus) -> None:
        self._status.write(replace(status, restarts=self._restarts))

    def _report_bug(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("the supervisor has failed", exc_info=error)
            self._tell(EngineStatus("failed", Notice("internal_error")))


async def _ended(pid: int) -> None:
    """Until the process has, within reason."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LEAVE_SECONDS):
            while not is_gone(pid):  # noqa: ASYNC110 - another process ends
                await asyncio.sleep(LOOK_SECONDS / 4)
