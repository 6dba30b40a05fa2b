"""ONNX weights in place: the spec of the onnxruntime engine that serves them on this machine."""

from pathlib import Path

from app.config import Settings
from app.domain.model_info import Notice
from app.engine.spec import EngineSpec, OnnxSpec
from app.provider.plan import compute_threads, no_drafts, plan, refuse_too_big, wishes
from app.weights import ModelSpec
from app.weights.catalog import find
from app.weights.memory import available_bytes
from app.weights.onnx_files import PREFERENCE
from app.weights.onnx_preflight import OnnxHeader, check

# A loss of quality by conversion that users must be told of.
NOTABLE_LOSS = 0.02


def spec(weights: ModelSpec, directory: Path, settings: Settings) -> EngineSpec:
    """Blocks while headers are read. Raises WeightsError."""
    header = check(Path(weights.path))
    available = available_bytes()
    chosen = plan(header, wishes(settings), available, compute_threads())
    if chosen.needed_bytes > available:
        refuse_too_big(weights, chosen, available)
    entry = find(weights.entry or "")
    return EngineSpec(
        backend="onnx",
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
        use_gpu=settings.use_gpu,
        queue_limit=settings.queue_limit,
        rate_limit=settings.rate_limit,
        notices=(*chosen.notices, *_notices(header), *no_drafts(settings, weights.id)),
        onnx=companions(header),
        data=tuple(map(str, header.data)),
    )


def companions(header: OnnxHeader) -> OnnxSpec:
    """What the engine needs of the files beside the graph."""
    return OnnxSpec(
        tokenizer=str(header.tokenizer),
        chat_template=header.chat_template,
        special_tokens=header.special_tokens,
        end_tokens=header.end_tokens,
        head_size=header.key_length,
    )


def _notices(header: OnnxHeader) -> list[Notice]:
    """What a user would not guess: a loss by conversion, and a choice among several graphs."""
    found = []
    loss, graph = header.card.loss, header.files.graph
    if loss is not None and loss > NOTABLE_LOSS:
        percent = round(100 * loss)
        found.append(
            Notice("conversion_lossy", {"percent": percent, "precision": header.quantization})
        )
    others = [name for name in PREFERENCE if name != graph.name and (graph.parent / name).exists()]
    if others:
        found.append(Notice("graph_chosen", {"file": graph.name, "others": ", ".join(others)}))
    return found
