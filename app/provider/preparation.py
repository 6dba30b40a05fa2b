"""From the settings to an engine's spec, in the background: told of as it goes, ended when asked,
and what is wrong with the weights said in the supervisor's terms."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
from msgspec.structs import replace

from app.config import Settings
from app.domain.model_info import Notice, VisionInfo
from app.engine.kv_folder import KV_CACHE
from app.engine.launcher import EngineFailed
from app.engine.spec import EngineSpec, KvSpec
from app.weights import WeightsError
from app.weights.task import Task

SCRIPTED = "scripted"
MIB = 1 << 20
MOST_MEMORY_MIB = 1024
Say = Callable[[Notice], None]
# Fetches, checks and plans for what is in a directory of the engine's; blocks; raises WeightsError.
Make = Callable[[Path, Task], EngineSpec]


class _Telling:
    """Progress of a download, as the reason why the model is still loading."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._percent = -1

    def note(self, notice: Notice) -> None:
        self._say(notice)

    def advance(self, file: str, done: int, total: int | None) -> None:
        percent = int(100 * done / total) if total else 0
        if percent != self._percent:
            self._percent = percent
            self._say(Notice("fetching_weights", {"file": file, "percent": percent}))


class Preparation:
    """Makes an EngineSpec of a setting's value; `name` is what the model is called until then.

    The stand-in of the tests sees when there is a `vision`.
    """

    def __init__(
        self, path: str | None, settings: Settings, make: Make, vision: VisionInfo | None = None
    ) -> None:
        self._path = path
        self._settings = settings
        self._make = make
        self._vision = vision
        self.name = Path(path or "").stem or None

    async def prepare(self, directory: Path, say: Say) -> EngineSpec:
        """Fetch if need be, check, plan. Raises EngineFailed with the reason; cancelling it
        stops a download, which the next call continues."""
        spec = await self._spec(directory, say)
        settings = self._settings
        return replace(
            spec,
            log_format=settings.log_format,
            log_level=settings.log_level,
            cpu_adapt=settings.cpu_adapt,
        )

    async def _spec(self, directory: Path, say: Say) -> EngineSpec:
        if self._path == SCRIPTED:
            return self._scripted(directory)
        cancel = threading.Event()
        try:
            task = Task(_Telling(say), cancel)
            made = await asyncio.to_thread(self._make, directory, task)
            return replace(made, kv=_kv(self._settings))
        except WeightsError as error:
            raise EngineFailed(Notice(error.text, dict(error.values))) from error
        finally:
            cancel.set()

    def _scripted(self, directory: Path) -> EngineSpec:
        return EngineSpec(
            backend="scripted",
            directory=str(directory),
            id=SCRIPTED if self._vision is None else f"{SCRIPTED}-vision",
            path="",
            languages=("en",),
            context_length=self._settings.context_length or 4096,
            slots=self._settings.parallel_slots or 4,
            queue_limit=self._settings.queue_limit,
            rate_limit=self._settings.rate_limit,
            vision=self._vision,
            kv=_kv(self._settings),
        )


def _kv(settings: Settings) -> KvSpec:
    """Where the engine may keep what it has computed."""
    memory = settings.kv_cache_memory_mib
    if memory is None:
        memory = min(MOST_MEMORY_MIB, psutil.virtual_memory().total // 16 // MIB)
    return KvSpec(
        folder=str(settings.data_dir.absolute() / KV_CACHE),
        disk_bytes=settings.kv_cache_disk_mib * MIB,
        memory_bytes=memory * MIB,
    )
