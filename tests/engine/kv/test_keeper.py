"""What is kept must not hurt who did not ask for it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.engine.backends.base import BackendDied
from app.engine.backends.scripted import ScriptedBackend
from app.engine.kv import keeper as keeping
from app.engine.kv.keeper import Keeper
from app.engine.kv.store import Store
from app.engine.slots import Slot
from app.engine.spec import EngineSpec


class Dying(ScriptedBackend):
    async def save_slot(self, slot: int, tokens: Sequence[int], file: Path) -> int:
        raise BackendDied("gone")


async def test_an_engine_that_dies_while_it_writes_is_told_by_whoever_asks_next(
    tmp_path: Path,
) -> None:
    backend = Dying(EngineSpec(backend="scripted", directory="", id="scripted", path=""))
    store = Store(tmp_path, 1 << 20, reserve=0)
    keeper = Keeper(backend, store, None)
    keeper.release(Slot(0, owner="a", conversation="c", tokens=[1] * 100))
    await keeper.close()
    assert store.bytes == 0


class Writing(ScriptedBackend):
    """Tells when it is asked to write."""

    def __init__(self) -> None:
        super().__init__(EngineSpec(backend="scripted", directory="", id="scripted", path=""))
        self.asked = asyncio.Event()

    async def save_slot(self, slot: int, tokens: Sequence[int], file: Path) -> int:
        self.asked.set()
        return await super().save_slot(slot, tokens, file)


async def test_nothing_is_written_while_somebody_waits_for_a_first_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "QUIET_SECONDS", 0)
    backend = Writing()
    keeper = Keeper(backend, Store(tmp_path, 1 << 20, reserve=0), None)
    with keeper.hurry():
        with keeper.hurry():
            keeper.release(Slot(0, owner="a", conversation="c", tokens=[1] * 100))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not backend.asked.is_set()
    async with asyncio.timeout(30):
        await backend.asked.wait()
    await keeper.close()
