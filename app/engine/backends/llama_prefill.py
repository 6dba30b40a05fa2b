"""Long prompts computed piece by piece, so that those who are being answered beside them go on.

llama.cpp gives every stream one token for each batch of a prompt, however long that takes. Each
piece is a request of its own that generates nothing and leaves its tokens in the slot's cache.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass, field, replace

from app.domain.errors import SllmError
from app.domain.options import GenerationOptions
from app.engine.backends.base import BackendEvent, End, Piece, Progress
from app.engine.backends.llama_client import LlamaClient
from app.engine.backends.llama_request import completion_body
from app.engine.backends.llama_stream import follow_completion
from app.engine.stop import StopFilter

# Half a second between two tokens is felt, and the streams' own part comes on top.
PIECE_SECONDS = 0.4
# llama.cpp reads the cache once for each 64 tokens of a prompt, so that fewer are dearer: at 2,000
# tokens 32 cost nearly what 64 do. Of weights so large that 64 take longer than PATIENCE_SECONDS
# the cache is the smaller part.
TILE, SMALLEST, PATIENCE_SECONDS = 64, 32, 1.0
# llama.cpp computes what is there, and samples nothing.
_NOTHING = GenerationOptions(temperature=0, max_tokens=0)


class Prefill:
    """What the prompts of one server have in common: who is being answered beside them, and how
    long a token took of late. `batch` is llama.cpp's, in tokens."""

    def __init__(self, client: LlamaClient, batch: int) -> None:
        self._client = client
        self._batch = batch
        self._token_seconds = 0.0
        self._answered = 0

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While a stream gets tokens."""
        self._answered += 1
        try:
            yield
        finally:
            self._answered -= 1

    def piece(self) -> int:
        """How many tokens to compute at a time: a batch where nobody waits for their tokens."""
        if not self._answered:
            return self._batch
        if TILE * self._token_seconds > PATIENCE_SECONDS:
            return min(SMALLEST, self._batch)
        fits = PIECE_SECONDS / self._token_seconds if self._token_seconds else TILE
        return min(max(int(fits) // TILE * TILE, TILE), self._batch)

    def took(self, tokens: int, seconds: float) -> None:
        """So many tokens of a prompt were computed in that time."""
        if tokens >= SMALLEST:
            self._token_seconds = seconds / tokens

    def ahead(self, prompt: list[int], slot: int, held: int | None) -> "Ahead":
        return Ahead(self, self._client, prompt, slot, held)


@dataclass
class Ahead:
    """All of `prompt` but its last piece. The slot holds `held` tokens of it already; None: who
    knows, and nothing is computed ahead."""

    prefill: Prefill
    client: LlamaClient
    prompt: list[int]
    slot: int
    held: int | None
    _under_way: deque["asyncio.Task[None]"] = field(default_factory=deque)
    _sum: End | None = None

    async def compute(self) -> AsyncGenerator[Progress, None]:
        """Tells how far it is. The last of them is under way when this ends: what is asked for
        after it waits in the slot's line, so that llama.cpp finds it at once; between the
        pieces it would compute a step for the others alone. Raises BackendDied."""
        end = len(self.prompt) if self.held is None else self.held
        while len(self.prompt) - end > (size := self.prefill.piece()):
            reuse, end = end > 0, end + size
            begun = asyncio.Event()
            self._under_way.append(asyncio.create_task(self._piece(end, reuse, begun)))
            # Requests of several connections may overtake each other: the next one is sent when
            # this one is being computed, which is also when the one before it has ended.
            await begun.wait()
            if len(self._under_way) > 1:
                await self._under_way.popleft()
                yield Progress(end - size, len(self.prompt), self._cached)

    async def _piece(self, end: int, reuse: bool, begun: asyncio.Event) -> None:
        body = completion_body(self.prompt[:end], _NOTHING, self.slot, reuse)
        try:
            async with self.client.stream("/completion", body) as chunks:
                async for event in follow_completion(chunks, StopFilter(())):
                    begun.set()
                    if isinstance(event, End):
                        self._add(event, end)
        except SllmError:
            return  # refused, and so will be the whole prompt
        finally:
            begun.set()

    def _add(self, piece: End, end: int) -> None:
        self.prefill.took(end - piece.cached_tokens, piece.prompt_ms / 1000)
        if self._sum is None:
            self._sum = piece
        else:
            spent = self._sum.prompt_ms + piece.prompt_ms
            self._sum = replace(self._sum, prompt_ms=spent)

    @property
    def begun(self) -> bool:
        """Whether there was anything to compute ahead."""
        return bool(self._under_way) or self._sum is not None

    async def followed(
        self, events: AsyncGenerator[BackendEvent, None]
    ) -> AsyncGenerator[BackendEvent, None]:
        """The events of what was asked for after it, as those of the whole prompt."""
        is_answered = False
        with ExitStack() as answered:
            async with aclosing(events):
                async for event in events:
                    await self._settle()
                    if isinstance(event, Piece) and not is_answered:
                        is_answered = True
                        answered.enter_context(self.prefill.answering())
                    yield self._told(event)

    async def _settle(self) -> None:
        while self._under_way:
            await self._under_way.popleft()

    def _told(self, event: BackendEvent) -> BackendEvent:
        if self._sum is None:
            return event
        if isinstance(event, Progress):
            return Progress(event.processed, event.total, self._cached)
        if isinstance(event, End):
            spent = event.prompt_ms + self._sum.prompt_ms
            return End(event.reason, event.completion_tokens, self._cached, spent)
        return event

    @property
    def _cached(self) -> int:
        """Tokens that were not computed again."""
        return self._sum.cached_tokens if self._sum else 0

    async def close(self) -> None:
        """Nobody waits for it any more: what is under way is cancelled."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
