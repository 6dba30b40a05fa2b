"""One queue per engine: admission, fairness, slots, deadlines. Backends only compute."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field

import msgspec

from app.domain.context_window import Fit, Limits, Render, fit
from app.domain.generation import Accepted, GenerationEvent, GenerationRequest, Queued, Token
from app.domain.options import GenerationOptions
from app.engine.backends.base import Backend, End, Piece
from app.engine.fair_queue import FairQueue
from app.engine.generation import Meter, follow
from app.engine.kv.keeper import Keeper
from app.engine.rate_limit import RateLimit
from app.engine.slots import Slot, SlotTable

MAX_PREPARING = 8
# llama.cpp computes a prompt only to go on from it.
ONE_TOKEN = GenerationOptions(temperature=0, max_tokens=1)


@dataclass(eq=False)
class Ticket:
    """A place in the line; `changed` is set when the position moves or the turn comes."""

    client: str
    entered_at: float = field(default_factory=time.monotonic)
    position: int = 0
    admitted: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def update(self, position: int) -> None:
        if position != self.position:
            self.position = position
            self.changed.set()

    def admit(self) -> None:
        self.admitted = True
        self.changed.set()


class Scheduler:
    """Runs generations on a backend. `on_change` is called when busy or waiting changes."""

    def __init__(
        self,
        backend: Backend,
        keeper: Keeper,
        queue_limit: int,
        rate_limit: int | None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._backend = backend
        self._keeper = keeper
        self._queue: FairQueue[Ticket] = FairQueue(queue_limit)
        self._rate = RateLimit(rate_limit)
        self._slots = SlotTable(backend.info.slots)
        self._admitted = 0
        self._preparing = asyncio.Semaphore(MAX_PREPARING)
        self._seconds_per_turn = 5.0
        self._requests, self._entered = 0, 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._on_change = on_change
        self.last_token_at = time.monotonic()

    @property
    def busy(self) -> int:
        return self._slots.busy

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def run(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        """The life of a request: Accepted, Queued*, Prefill*, Token*, Finished.

        Closing the iterator gives up its place, wherever it is. Raises SllmError.
        """
        self._rate.take(request.client, time.monotonic())
        self._queue.check_room(self._estimate(self._queue.limit))
        fitted = await self._prepare(request)
        self._queue.check_room(self._estimate(self._queue.limit))
        yield Accepted(fitted.report)
        ticket = self._enter(request.client)
        try:
            while not ticket.admitted:
                ticket.changed.clear()
                yield Queued(ticket.position, round(self._estimate(ticket.position) * 1000))
                await ticket.changed.wait()
            async with aclosing(self._generate(request, fitted, ticket.entered_at)) as events:
                async for event in events:
                    yield event
        finally:
            self._leave(ticket)

    async def _prepare(self, request: GenerationRequest) -> Fit:
        window = self._backend.info.context_length
        # Room is kept for the answer while cutting; where nothing may be cut, what fits is taken.
        cuts = request.context_policy == "drop_oldest"
        limits = Limits(
            window=window,
            reserve=min(request.options.max_tokens, window // 4) if cuts else 0,
            max_history=request.max_history,
            policy=request.context_policy,
            head=request.head,
        )
        newest = request.messages[-1]
        async with self._preparing:
            fitted = await fit(request.messages, limits, self._render(request))
            images = await self._backend.image_tokens(newest) if newest.images else ()
        report = msgspec.structs.replace(fitted.report, image_tokens=images)
        return Fit(fitted.prompt, report)

    def _render(self, request: GenerationRequest) -> Render:
        """How messages of `request` become a prompt."""
        backend = self._backend
        if request.continues:
            return lambda messages: backend.continued(messages[-1].content)
        return lambda messages: backend.prompt(messages, request.tools, request.owner)

    async def _generate(
        self, request: GenerationRequest, fitted: Fit, entered_at: float
    ) -> AsyncGenerator[GenerationEvent, None]:
        room = self._backend.info.context_length - len(fitted.prompt)
        cut = min(request.options.max_tokens, room)
        options = msgspec.structs.replace(request.options, max_tokens=cut)
        found = self._keeper.find(request.owner, fitted.prompt)
        slot, shared = self._slots.take(
            request.owner, fitted.prompt, found.shared if found else 0, request.conversation
        )
        meter = Meter(request.arrived_at, entered_at, self._tick)
        self._tick()
        self._on_change()
        hurry = ExitStack()
        try:
            hurry.enter_context(self._keeper.hurry())
            brought = await self._keeper.prepare(slot, fitted.prompt, found, shared or 0)
            reuse = brought or shared is not None
            held = found.shared if brought and found is not None else shared or 0
            source = self._backend.generate(fitted.prompt, options, slot.number, reuse, held)
            async with aclosing(follow(source, meter, fitted.report)) as events:
                async for event in events:
                    if isinstance(event, Token):
                        hurry.close()
                    yield event
        finally:
            hurry.close()
            self._done(slot, meter)

    def _done(self, slot: Slot, meter: Meter) -> None:
        self._slots.release(slot, meter.generated)
        if slot.keep:
            self._keeper.release(slot)
        self._seconds_per_turn += 0.2 * (meter.held_seconds() - self._seconds_per_turn)

    async def idle(self, seconds: float) -> None:
        """Return when nothing has run or waited for `seconds`."""
        while True:
            await self._idle.wait()
            since = self._entered
            await asyncio.sleep(seconds)
            if since == self._entered:
                return

    async def compute(self, owner: str, conversation: str, tokens: list[int]) -> bool:
        """Fill a slot with `tokens` and keep them as that conversation's; False when it had to
        give way to a request."""
        if not self._idle.is_set():
            return False
        slot, _ = self._slots.take(owner, tokens, conversation=conversation)
        slot.keep = False
        self._admitted += 1
        self._tick()
        self._on_change()
        generated: list[int] = []
        try:
            await self._keeper.prepare(slot, tokens, None, 0)
            source = self._backend.generate(tokens, ONE_TOKEN, slot.number, False, 0)
            async with aclosing(source) as events:
                async for event in events:
                    self._tick()
                    if isinstance(event, Piece):
                        generated += event.tokens
                    slot.keep = isinstance(event, End)
                    if not self._idle.is_set():
                        break
        finally:
            self._admitted -= 1
            self._slots.release(slot, generated)
            if slot.keep:
                self._keeper.release(slot)
            self._admit()
        return slot.keep

    def forget(self, owner: str, conversation: str | None) -> None:
        """Nothing that was computed of a conversation is used again; None: of all of `owner`'s."""
        self._keeper.forget(owner, conversation)
        self._backend.forget(owner)
        for slot in self._slots.of(owner, conversation):
            slot.keep = False
            if not slot.busy:
                slot.owner, slot.tokens = "", []

    def _tick(self) -> None:
        self.last_token_at = time.monotonic()

    def _estimate(self, position: int) -> float:
        """Seconds until the request at `position` starts, from how long recent ones took."""
        return self._seconds_per_turn * position / self._slots.total

    def _enter(self, client: str) -> Ticket:
        self._idle.clear()
        self._requests += 1
        self._entered += 1
        ticket = Ticket(client)
        self._queue.push(client, ticket)
        self._admit()
        return ticket

    def _leave(self, ticket: Ticket) -> None:
        self._requests -= 1
        if not self._requests:
            self._idle.set()
        if ticket.admitted:
            self._queue.finished(ticket.client)
            self._admitted -= 1
        else:
            self._queue.remove(ticket.client, ticket)
        self._admit()

    def _admit(self) -> None:
        """Let in as many as there are slots, and tell the others where they stand."""
        while self._admitted < self._slots.total:
            ticket = self._queue.pop()
            if ticket is None:
                break
            self._admitted += 1
            ticket.admit()
        for position, ticket in enumerate(self._queue.in_order(), start=1):
            ticket.update(position)
        self._on_change()
