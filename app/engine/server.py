"""The engine process's side of the socket: commands in, reports out, one task a request."""

import asyncio
import logging
import os
import time
from collections.abc import Coroutine
from contextlib import aclosing
from typing import Any, cast

from app.domain.errors import SllmError
from app.engine import wire
from app.engine.backends.base import Backend, BackendDied
from app.engine.kv.opening import open_keeper
from app.engine.lifeline import Connections
from app.engine.scheduler import Scheduler
from app.engine.spec import EngineSpec
from app.engine.warmer import Warmer
from app.logs.context import request_id

PULSE_SECONDS = 0.5
# All workers of a living server can be gone at once; new ones need a moment to start.
GRACE_SECONDS = 10.0
log = logging.getLogger(__name__)


class EngineServer:
    """What all connections share: backend, scheduler, and the pulse."""

    def __init__(self, backend: Backend, spec: EngineSpec) -> None:
        self.backend = backend
        self.keeper = open_keeper(backend, spec)
        self.scheduler = Scheduler(
            backend, self.keeper, spec.queue_limit, spec.rate_limit, self._changed
        )
        self.warmer = Warmer(backend, self.keeper, self.scheduler)
        self.connections = Connections(spec.server, GRACE_SECONDS)
        self.died = asyncio.Event()
        self._limit = spec.queue_limit
        self._threads = spec.threads
        self._open: set[Connection] = set()
        self._dirty = asyncio.Event()

    def connection(self) -> "Connection":
        return Connection(self)

    def joined(self, connection: "Connection") -> None:
        self._open.add(connection)
        self.connections.opened()
        connection.send(wire.Hello(os.getpid(), self.backend.info))
        connection.send(self.pulse())

    def left(self, connection: "Connection") -> None:
        self._open.discard(connection)
        self.connections.closed(connection.on_purpose)

    def pulse(self) -> wire.Pulse:
        busy = self.scheduler.busy
        idle = time.monotonic() - self.scheduler.last_token_at if busy else 0.0
        return wire.Pulse(busy, self.scheduler.waiting, self._limit, round(idle, 2), self._threads)

    def compute_with(self, threads: int) -> None:
        """So many threads compute from now on; the workers are told."""
        self._threads = threads
        self._changed()

    def _changed(self) -> None:
        self._dirty.set()

    async def beat(self) -> None:
        """Tell every worker how busy the engine is: on change, and as a sign of life."""
        while True:
            self._dirty.clear()
            report = wire.encode(self.pulse())
            for connection in self._open:
                connection.write(report)
            await asyncio.sleep(0.02)  # not more than 50 reports a second
            try:
                async with asyncio.timeout(PULSE_SECONDS):
                    await self._dirty.wait()
            except TimeoutError:
                continue


class Connection(asyncio.Protocol):
    """One API worker. When it goes, so do its requests."""

    def __init__(self, server: EngineServer) -> None:
        self._server = server
        self._frames = wire.FrameBuffer()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._transport: asyncio.Transport | None = None
        self.on_purpose = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.joined(self)

    def data_received(self, data: bytes) -> None:
        for body in self._frames.feed(data):
            self._handle(wire.commands.decode(body))

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._server.left(self)

    def send(self, report: wire.Report) -> None:
        self.write(wire.encode(report))

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _handle(self, command: wire.Command) -> None:
        if isinstance(command, wire.Leave):
            self.on_purpose = True
            return
        if isinstance(command, wire.Forget):
            self._server.scheduler.forget(command.owner, command.conversation)
            return
        if isinstance(command, wire.Warm):
            self._server.warmer.want(command.heads)
            return
        if isinstance(command, wire.Cancel):
            task = self._tasks.get(command.id)
            if task is not None:
                task.cancel()
            return
        work = self._work(command)
        task = asyncio.get_running_loop().create_task(self._guard(command.id, work))
        self._tasks[command.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(command.id, None))

    def _work(self, command: wire.Submit | wire.Count) -> Coroutine[Any, Any, None]:
        if isinstance(command, wire.Submit):
            return self._generate(command)
        return self._count(command)

    async def _guard(self, request_id: int, work: Coroutine[Any, Any, None]) -> None:
        """Run, and turn every way to fail into a frame: a request never ends in silence."""
        try:
            await work
        except SllmError as error:
            self.send(wire.failed(request_id, error))
        except BackendDied as death:
            log.error("the engine's backend has died: %s", death)  # noqa: TRY400 - no trace needed
            self._server.died.set()
        except Exception:
            # A bug of ours must reach the client as an error; the log has the trace.
            log.exception("request failed in the engine")
            self.send(wire.failed(request_id, SllmError("internal_error")))

    async def _generate(self, command: wire.Submit) -> None:
        request = command.request
        request_id.set(request.request_id)
        try:
            async with asyncio.timeout_at(request.arrived_at + request.deadline_seconds):
                async with aclosing(self._server.scheduler.run(request)) as events:
                    async for event in events:
                        self.send(wire.Event(command.id, event))
        except TimeoutError as error:
            seconds = round(request.deadline_seconds)
            raise SllmError("deadline_exceeded", seconds=seconds) from error

    async def _count(self, command: wire.Count) -> None:
        backend = self._server.backend
        if command.text is not None:
            ids = await backend.tokens(command.text)
        else:
            ids = await backend.prompt(command.messages)
        self.send(wire.Counted(command.id, len(ids)))
