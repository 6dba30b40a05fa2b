"""GGUF weights in place: the spec of the llama.cpp engine that serves them on this machine."""

import asyncio
from pathlib import Path

from app.config import Settings
from app.engine.launcher import LLAMA_GPU, gpu_devices
from app.engine.spec import EngineSpec
from app.provider.plan import compute_threads, plan, refuse_too_big, wishes
from app.weights import ModelSpec
from app.weights.catalog import find
from app.weights.memory import available_bytes
from app.weights.preflight import check, parts


def spec(weights: ModelSpec, directory: Path, settings: Settings) -> EngineSpec:
    """Blocks while headers are read. Raises WeightsError."""
    header = check(Path(weights.path))
    available = available_bytes()
    chosen = plan(header, wishes(settings), available, compute_threads())
    if chosen.needed_bytes > available and not _has_gpu(settings):
        refuse_too_big(weights, chosen, available)
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
        chat_template=header.chat_template,
        special_tokens=header.special_tokens,
        context_length=chosen.context_length,
        slots=chosen.slots,
        batch=chosen.batch,
        threads=chosen.threads,
        use_gpu=settings.use_gpu,
        gpu_layers=settings.gpu_layers,
        speculation=settings.speculation,
        queue_limit=settings.queue_limit,
        rate_limit=settings.rate_limit,
        notices=chosen.notices,
        data=tuple(map(str, parts(Path(weights.path))[1:])),
    )


def _has_gpu(settings: Settings) -> bool:
    """Asked only in need: it starts a process that loads native code."""
    return settings.use_gpu != "false" and bool(asyncio.run(gpu_devices(LLAMA_GPU)))
