"""What is computed ahead gives way to whoever asks."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from app.domain.generation import Finished, GenerationRequest
from app.domain.messages import Message
from app.domain.options import GenerationOptions
from app.engine.backends.base import BackendEvent
from app.engine.backends.scripted import ScriptedBackend
from app.engine.kv.keeper import EVERYBODY, Keeper
from app.engine.kv.store import Store
from app.engine.scheduler import Scheduler
from app.engine.spec import EngineSpec
from app.engine.warmer import Warmer

HEAD = (Message("system", " ".join(f"word{number}" for number in range(200))),)
REQUEST = GenerationRequest((Message("user", "Hello"),), GenerationOptions(max_tokens=4), "me")


class Watched(ScriptedBackend):
    """Stops at the first step of what is computed ahead until `go`; counts how often that began."""

    def __init__(self) -> None:
        super().__init__(
            EngineSpec(backend="scripted", directory="", id="scripted", path="", slots=1)
        )
        self.began, self.go = 0, asyncio.Event()
        self.stopped = asyncio.Event()

    async def generate(
        self,
        prompt: list[int],
        options: GenerationOptions,
        slot: int,
        reuse: bool,
        held: int | None = None,
    ) -> AsyncGenerator[BackendEvent, None]:
        ahead = len(prompt) > 100
        self.began += ahead
        async for event in super().generate(prompt, options, slot, reuse, held):
            if ahead:
                self.stopped.set()
                await self.go.wait()
            yield event


def made(folder: Path) -> tuple[Watched, Keeper, Scheduler]:
    backend = Watched()
    keeper = Keeper(backend, Store(folder, 1 << 20, reserve=0), None)
    return backend, keeper, Scheduler(backend, keeper, 8, None)


async def answered(scheduler: Scheduler) -> bool:
    return [type(event) async for event in scheduler.run(REQUEST)][-1] is Finished


async def test_a_request_gets_the_slot_and_the_rest_is_computed_afterwards(
    tmp_path: Path,
) -> None:
    backend, keeper, scheduler = made(tmp_path)
    tokens = await backend.prompt(HEAD)
    ahead = asyncio.create_task(scheduler.compute(EVERYBODY, "head", tokens))
    await backend.stopped.wait()
    asked = asyncio.create_task(answered(scheduler))
    while not scheduler.waiting:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0)
    backend.go.set()
    assert await asked
    assert not await ahead
    assert keeper.lacks(tokens)
    assert await scheduler.compute(EVERYBODY, "head", tokens)
    await keeper.close()
    assert not keeper.lacks(tokens)
    assert backend.began == 2


async def test_nothing_is_begun_beside_a_request(tmp_path: Path) -> None:
    backend, _, scheduler = made(tmp_path)
    async with asyncio.timeout(60):
        running = scheduler.run(REQUEST)
        # Accepted, and under way.
        await anext(running), await anext(running)
        assert not await scheduler.compute(EVERYBODY, "head", await backend.prompt(HEAD))
        await running.aclose()
    assert backend.began == 0


async def test_what_every_worker_wants_is_computed_once(tmp_path: Path) -> None:
    backend, keeper, scheduler = made(tmp_path)
    backend.go.set()
    warmer = Warmer(backend, keeper, scheduler)
    for _ in range(3):
        warmer.want([HEAD])
    await asyncio.gather(*warmer._tasks)
    await keeper.close()
    assert backend.began == 1


async def test_short_beginnings_and_places_without_a_disk_are_left_alone(tmp_path: Path) -> None:
    backend, keeper, scheduler = made(tmp_path)
    for given in (keeper, Keeper(backend, None, None)):
        warmer = Warmer(backend, given, scheduler)
        warmer.want([(Message("system", "Short."),)] if given is keeper else [HEAD])
        await asyncio.gather(*warmer._tasks)
    assert backend.began == 0
