"""A provider that is watched from outside: metrics and traces see every generation here, and
neither services nor engines know of them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from app.domain.errors import SllmError
from app.domain.generation import GenerationEvent, GenerationRequest
from app.domain.messages import Message
from app.domain.model_info import ModelInfo
from app.provider.model_provider import ModelHealth, ModelProvider


class GenerationWatch(Protocol):
    """Sees one generation from its beginning to its end."""

    def event(self, event: GenerationEvent) -> None: ...

    def ended(self, error: SllmError | None) -> None:
        """Without an error and without Finished before it, it was cancelled."""
        ...


class GenerationObserver(Protocol):
    """Sees every generation; `engine` is "text" or "vision", `model` the loaded model's id."""

    def begin(
        self, engine: str, model: str | None, request: GenerationRequest
    ) -> GenerationWatch: ...


class ObservedProvider:
    """The ModelProvider `inner` under the eyes of `observers`."""

    def __init__(
        self, engine: str, inner: ModelProvider, observers: Sequence[GenerationObserver]
    ) -> None:
        self.engine = engine
        self._inner = inner
        self._observers = observers

    def start(self) -> None:
        self._inner.start()

    async def stop(self) -> None:
        await self._inner.stop()

    def health(self) -> ModelHealth:
        return self._inner.health()

    async def info(self) -> ModelInfo:
        return await self._inner.info()

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        model = self._inner.health().id
        watches = [each.begin(self.engine, model, request) for each in self._observers]
        failure: SllmError | None = None
        try:
            async with aclosing(self._inner.generate(request)) as events:
                async for event in events:
                    for watch in watches:
                        watch.event(event)
                    yield event
        except SllmError as error:
            failure = error
            raise
        finally:
            for watch in watches:
                watch.ended(failure)

    async def count(self, text: str | None = None, messages: tuple[Message, ...] = ()) -> int:
        return await self._inner.count(text, messages)

    def forget(self, owner: str, conversation: str | None) -> None:
        self._inner.forget(owner, conversation)

    @property
    def active(self) -> int:
        return self._inner.active

    def end_all(self) -> None:
        self._inner.end_all()
