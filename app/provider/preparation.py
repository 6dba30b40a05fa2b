"""From the settings to an engine's spec: the weights are fetched, looked at, and planned for.

What differs between formats is gguf_provider's and onnx_provider's business.
"""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from app.config import Settings
from app.domain.model_info import Notice
from app.engine.launcher import EngineFailed
from app.engine.spec import EngineSpec
from app.provider import gguf_provider, onnx_provider
from app.weights import ModelSpec, WeightsError, ensure
from app.weights.task import Task

SCRIPTED = "scripted"
Say = Callable[[Notice], None]


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
    """Makes an EngineSpec of the settings; `name` is what the model is called until then."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.name = Path(settings.sllm_model_path or "").stem or None

    async def prepare(self, directory: Path, say: Say) -> EngineSpec:
        """Fetch if need be, check, plan. Raises EngineFailed with the reason; cancelling it
        stops a download, which the next call continues."""
        if self._settings.sllm_model_path == SCRIPTED:
            return self._scripted(directory)
        cancel = threading.Event()
        try:
            return await asyncio.to_thread(self._prepare, directory, Task(_Telling(say), cancel))
        except WeightsError as error:
            raise EngineFailed(Notice(error.text, dict(error.values))) from error
        finally:
            cancel.set()

    def _prepare(self, directory: Path, task: Task) -> EngineSpec:
        weights = ensure(self._settings.sllm_model_path, self._settings.data_dir, task)
        return _spec(weights, directory, self._settings)

    def _scripted(self, directory: Path) -> EngineSpec:
        return EngineSpec(
            backend="scripted",
            directory=str(directory),
            id=SCRIPTED,
            path="",
            languages=("en",),
            context_length=self._settings.context_length or 4096,
            slots=self._settings.parallel_slots or 4,
            queue_limit=self._settings.queue_limit,
            rate_limit=self._settings.rate_limit,
        )


def _spec(weights: ModelSpec, directory: Path, settings: Settings) -> EngineSpec:
    match weights.format:
        case "gguf":
            return gguf_provider.spec(weights, directory, settings)
        case "onnx":
            return onnx_provider.spec(weights, directory, settings)
