"""What is kept must not hurt who did not ask for it."""

from collections.abc import Sequence
from pathlib import Path

from app.engine.backends.base import BackendDied
from app.engine.backends.scripted import ScriptedBackend
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
