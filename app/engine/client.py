"""An API worker's side of the socket: one connection, many generations over it."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import cast

from app.domain.errors import SllmError
from app.domain.generation import Finished, GenerationEvent, GenerationRequest
from app.domain.messages import Message
from app.domain.model_info import ModelInfo
from app.engine import wire

_Inbox = asyncio.Queue[wire.Event | wire.Counted | wire.Failed]


class EngineClient(asyncio.Protocol):
    """Connected to an engine that has loaded its model. `hello` and `pulse` are its newest."""

    def __init__(self, on_lost: Callable[[], None] = lambda: None) -> None:
        self._frames = wire.FrameBuffer()
        self._inboxes: dict[int, _Inbox] = {}
        self._numbers = itertools.count(1)
        self._transport: asyncio.Transport | None = None
        self._on_lost = on_lost
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.hello: wire.Hello | None = None
        self.pulse = wire.Pulse(0, 0, 0)
        self.pulse_at = time.monotonic()

    @classmethod
    async def connect(cls, socket: Path, on_lost: Callable[[], None]) -> "EngineClient":
        """Raises OSError when nobody listens, TimeoutError when nobody greets."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_unix_connection(lambda: cls(on_lost), str(socket))
        async with asyncio.timeout(5):
            await client._greeted
        return client

    @property
    def info(self) -> ModelInfo:
        assert self.hello is not None
        return self.hello.info

    @property
    def pid(self) -> int:
        """The engine's process id."""
        assert self.hello is not None
        return self.hello.pid

    @property
    def silent_seconds(self) -> float:
        """Since the engine's last sign of life, which is due every half second."""
        return time.monotonic() - self.pulse_at

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        """Accepted first, Finished last. Closing early cancels. Raises SllmError."""
        number, inbox = self._open()
        finished = False
        try:
            self._send(wire.Submit(number, request))
            while not finished:
                report = await inbox.get()
                if isinstance(report, wire.Failed):
                    finished = True
                    raise wire.as_error(report)
                assert isinstance(report, wire.Event)
                finished = isinstance(report.event, Finished)
                yield report.event
        finally:
            del self._inboxes[number]
            if not finished:
                self._send(wire.Cancel(number))

    async def count(self, text: str | None = None, messages: tuple[Message, ...] = ()) -> int:
        """Tokens of a text, or of messages under the model's template."""
        number, inbox = self._open()
        try:
            self._send(wire.Count(number, text, messages))
            report = await inbox.get()
        finally:
            del self._inboxes[number]
        if isinstance(report, wire.Failed):
            raise wire.as_error(report)
        assert isinstance(report, wire.Counted)
        return report.tokens

    def forget(self, owner: str, conversation: str | None) -> None:
        """Let the engine keep nothing of a conversation, or of any of `owner`'s."""
        self._send(wire.Forget(owner, conversation))

    def warm(self, heads: tuple[tuple[Message, ...], ...]) -> None:
        """Let the engine compute in idle moments what chats of everybody begin with."""
        self._send(wire.Warm(heads))

    @property
    def active(self) -> int:
        """Requests of this worker that have not ended."""
        return len(self._inboxes)

    def end_all(self, error: SllmError) -> None:
        """End what is still running with `error`."""
        for number, inbox in self._inboxes.items():
            inbox.put_nowait(wire.failed(number, error))
            self._send(wire.Cancel(number))

    def leave(self) -> None:
        """Say good-bye: the engine ends at once when nobody else is connected."""
        self._send(wire.Leave())
        if self._transport is not None:
            self._transport.close()

    def _open(self) -> tuple[int, _Inbox]:
        if self._transport is None or self._transport.is_closing():
            raise _died()
        number = next(self._numbers)
        inbox: _Inbox = asyncio.Queue()
        self._inboxes[number] = inbox
        return number, inbox

    def _send(self, command: wire.Command) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(wire.encode(command))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for body in self._frames.feed(data):
            self._handle(wire.reports.decode(body))

    def _handle(self, report: wire.Report) -> None:
        if isinstance(report, wire.Pulse):
            self.pulse, self.pulse_at = report, time.monotonic()
        elif isinstance(report, wire.Hello):
            self.hello = report
            if not self._greeted.done():
                self._greeted.set_result(None)
        elif report.id in self._inboxes:
            self._inboxes[report.id].put_nowait(report)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._greeted.done():
            self._greeted.set_exception(ConnectionResetError("the engine hung up"))
        for number, inbox in self._inboxes.items():
            inbox.put_nowait(wire.failed(number, _died()))
        self._on_lost()


def _died() -> SllmError:
    return SllmError("engine_died", retry_after=2)
