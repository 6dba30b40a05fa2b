"""From VISION_MODEL_PATH to an engine's spec: which format it is, and who knows that format."""

from pathlib import Path

from msgspec.structs import replace

from app.config import Settings
from app.engine.spec import EngineSpec
from app.provider import gguf_vision, onnx_vision
from app.weights import shapes_demo
from app.weights.mmproj_files import has_mmproj, holds_gguf
from app.weights.seeing import locate_seeing
from app.weights.task import Task
from app.weights.vision_files import is_vision_folder


def vision_spec(path: str, directory: Path, settings: Settings, task: Task) -> EngineSpec:
    """`path` is a file, a folder or a name. Blocks while headers are read. Raises WeightsError
    for everything that cannot be loaded, CancelledError when `task` is cancelled."""
    task.check()
    found = locate_seeing(path, settings.data_dir)
    if _is_gguf(found):
        return gguf_vision.spec(found, directory, settings)
    spec = onnx_vision.spec(found, directory, settings)
    return replace(spec, id=shapes_demo.NAME) if path == shapes_demo.NAME else spec


def _is_gguf(path: Path) -> bool:
    if path.is_dir():
        return holds_gguf(path) and (has_mmproj(path) or not is_vision_folder(path))
    return path.suffix.lower() == ".gguf"
