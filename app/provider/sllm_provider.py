"""The text model: weights by path or name."""

from pathlib import Path

from app.config import Settings
from app.engine.spec import EngineSpec
from app.provider import gguf_provider, onnx_provider
from app.provider.engine_provider import EngineProvider, Heads
from app.provider.preparation import Preparation
from app.provider.served import best
from app.weights import ModelSpec, WeightsError, ensure
from app.weights.task import Task


class SllmProvider(EngineProvider):
    """The ModelProvider of SLLM_MODEL_PATH."""

    def __init__(self, settings: Settings, heads: Heads = ()) -> None:
        super().__init__("text", preparation(settings), settings.queue_limit, heads)


def preparation(settings: Settings) -> Preparation:
    """Of the text model."""

    def make(directory: Path, task: Task) -> EngineSpec:
        return spec(directory, settings, task)

    return Preparation(settings.sllm_model_path, settings, make)


def spec(directory: Path, settings: Settings, task: Task) -> EngineSpec:
    """Fetch if need be, check, plan. Blocks. Raises WeightsError.

    What differs between formats is gguf_provider's and onnx_provider's business.
    """
    weights = ensure(settings.sllm_model_path, settings.data_dir, task)
    if not settings.tuned:
        return plain(weights, directory, settings)
    served = best(weights, settings.data_dir, task)
    try:
        return served.applied(plain(served.weights, directory, settings))
    except WeightsError as error:
        if served.weights == weights:
            raise
        served = served.as_it_came(weights, error)
        return served.applied(plain(weights, directory, settings))


def plain(weights: ModelSpec, directory: Path, settings: Settings) -> EngineSpec:
    """With the settings that suit weights of this kind."""
    match weights.format:
        case "gguf":
            return gguf_provider.spec(weights, directory, settings)
        case "onnx":
            return onnx_provider.spec(weights, directory, settings)
