"""A model that one supervised engine process runs for all workers, whatever it is."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.domain.errors import SllmError
from app.domain.generation import GenerationEvent, GenerationRequest
from app.domain.messages import Message
from app.domain.model_info import ModelInfo
from app.engine.runtime_dir import runtime_directory
from app.engine.supervisor import Supervisor
from app.i18n.notices import words
from app.provider.model_provider import ModelHealth
from app.provider.preparation import Preparation
from app.provider.quarantine import Quarantine

# What chats of everybody may begin with.
Heads = tuple[tuple[Message, ...], ...]


class EngineProvider:
    """A ModelProvider; `role` names the engine among those of this server, and each computes
    `heads` when it has nothing else to do."""

    def __init__(
        self, role: str, preparation: Preparation, queue_limit: int, heads: Heads = ()
    ) -> None:
        self._name = preparation.name
        self._quarantine = Quarantine()
        self._queue_limit = queue_limit
        self._supervisor = Supervisor(
            runtime_directory(role),
            preparation.prepare,
            describe=lambda reason: words([reason], "en")[0],
            greet=lambda engine: engine.warm(heads) if heads else None,
        )

    def start(self) -> None:
        self._supervisor.start()

    async def stop(self) -> None:
        await self._supervisor.stop()

    def health(self) -> ModelHealth:
        status, client = self._supervisor.status, self._supervisor.connected
        restarts = self._supervisor.restarts
        if client is None:
            limit = self._queue_limit
            return ModelHealth(
                status.state, self._name, status.reason, limit=limit, restarts=restarts
            )
        return ModelHealth(
            status.state,
            client.info.id,
            status.reason,
            client.info,
            client.pulse.busy,
            client.pulse.waiting,
            client.pulse.limit,
            client.pid,
            restarts,
            client.pulse.threads,
        )

    async def info(self) -> ModelInfo:
        return (await self._supervisor.reach()).info

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        self._quarantine.check(request)
        try:
            client = await self._supervisor.reach()
            async with aclosing(client.generate(request)) as events:
                async for event in events:
                    yield event
        except SllmError as error:
            if error.code == "engine_died":
                self._quarantine.died(request)
            raise
        self._quarantine.survived(request)

    async def count(self, text: str | None = None, messages: tuple[Message, ...] = ()) -> int:
        return await (await self._supervisor.reach()).count(text, messages)

    def forget(self, owner: str, conversation: str | None) -> None:
        client = self._supervisor.connected
        if client is not None:
            client.forget(owner, conversation)

    @property
    def active(self) -> int:
        client = self._supervisor.connected
        return client.active if client is not None else 0

    def end_all(self) -> None:
        client = self._supervisor.connected
        if client is not None:
            client.end_all(SllmError("shutting_down", retry_after=5))
