"""The contract of a provider: one loaded (or loading, or failed) model that can be asked."""

from collections.abc import AsyncGenerator
from typing import Protocol

from msgspec import Struct

from app.domain.generation import GenerationEvent, GenerationRequest
from app.domain.messages import Message
from app.domain.model_info import ModelInfo, ModelStatus, Notice


class ModelHealth(Struct, frozen=True):
    """What `/health` tells of a model; `busy` slots, `waiting` of `limit` places in line. `pid` is
    the engine's process, `restarts` how many engines have ended before it; `threads` compute on the
    CPU."""

    status: ModelStatus
    id: str | None = None
    reason: Notice | None = None
    info: ModelInfo | None = None
    busy: int = 0
    waiting: int = 0
    limit: int = 0
    pid: int | None = None
    restarts: int = 0
    threads: int = 0


class ModelProvider(Protocol):
    """Every method but `health` raises SllmError when the model cannot answer now."""

    def start(self) -> None:
        """Begin to load; returns at once."""
        ...

    async def stop(self) -> None: ...

    def health(self) -> ModelHealth: ...

    async def info(self) -> ModelInfo:
        """Waits a moment where another worker has found the engine sooner than this one."""
        ...

    def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        """Accepted first, Finished last; closing it early cancels."""
        ...

    async def count(self, text: str | None = None, messages: tuple[Message, ...] = ()) -> int:
        """Tokens of a text, or of messages under the model's chat template."""
        ...

    def forget(self, owner: str, conversation: str | None) -> None:
        """Let a running engine keep nothing computed of a conversation; None: of all that
        `owner` has. Files are `ConversationCaches`' business. Raises nothing."""
        ...

    @property
    def active(self) -> int:
        """Generations of this worker that have not ended."""
        ...

    def end_all(self) -> None:
        """End every generation of this worker with `shutting_down`."""
        ...
