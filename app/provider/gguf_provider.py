"""From the settings to an engine's spec: the weights are fetched, looked at, and planned for."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from app.config import Settings
from app.domain.model_info import Notice
from app.engine.launcher import EngineFailed, gpu_devices
from app.engine.spec import EngineSpec
from app.provider.plan import Plan, Wishes, compute_threads, plan
from app.weights import ModelSpec, WeightsError, ensure
from app.weights.catalog import find
from app.weights.gguf_header import GgufHeader
from app.weights.memory import available_bytes
from app.weights.preflight import check
from app.weights.sizes import human_bytes
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


class GgufPreparation:
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
        header = check(Path(weights.path))
        available = available_bytes()
        chosen = plan(header, self._wishes(), available, compute_threads())
        if chosen.needed_bytes > available and not self._has_gpu():
            raise WeightsError(
                "weights_memory",
                model=weights.id,
                needed=human_bytes(chosen.needed_bytes),
                free=human_bytes(available),
            )
        return self._spec(directory, weights, header, chosen)

    def _has_gpu(self) -> bool:
        """Asked only in need: it starts a process that loads native code."""
        return self._settings.use_gpu != "false" and bool(asyncio.run(gpu_devices()))

    def _wishes(self) -> Wishes:
        return Wishes(self._settings.context_length, self._settings.parallel_slots)

    def _spec(
        self, directory: Path, weights: ModelSpec, header: GgufHeader, chosen: Plan
    ) -> EngineSpec:
        # A file may hold tied weights twice; the catalogue knows what the model card says.
        entry = find(weights.entry or "")
        return EngineSpec(
            backend="llama",
            directory=str(directory),
            id=weights.id,
            path=weights.path,
            architecture=header.architecture,
            quantization=header.quantization,
            parameters=entry.parameters if entry else header.parameters,
            languages=weights.languages or header.languages,
            training_context_length=header.context_length,
            has_chat_template=header.has_chat_template,
            control_tokens=header.control_tokens,
            context_length=chosen.context_length,
            slots=chosen.slots,
            batch=chosen.batch,
            threads=chosen.threads,
            use_gpu=self._settings.use_gpu,
            gpu_layers=self._settings.gpu_layers,
            queue_limit=self._settings.queue_limit,
            rate_limit=self._settings.rate_limit,
            notices=chosen.notices,
        )

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
