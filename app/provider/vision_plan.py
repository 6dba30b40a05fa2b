"""From VISION_MODEL_PATH to an engine's spec: which format it is, and who knows that format."""

from pathlib import Path
from typing import Final

from app.config import Settings
from app.engine.spec import EngineSpec
from app.provider import gguf_vision, onnx_vision
from app.weights import WeightsError, shapes_demo
from app.weights.task import Task

SHAPES_DEMO: Final = "shapes-demo"


def vision_spec(path: str, directory: Path, settings: Settings, task: Task) -> EngineSpec:
    """`path` is a file, a folder or a name. Blocks while headers are read. Raises WeightsError
    for everything that cannot be loaded, CancelledError when `task` is cancelled."""
    task.check()
    found = _demo() if path == SHAPES_DEMO else Path(path).expanduser()
    if not found.exists():
        raise WeightsError("weights_vision_not_found", file=found.name or path, demo=SHAPES_DEMO)
    if _is_gguf(found):
        return gguf_vision.spec(found, directory, settings)
    return onnx_vision.spec(found, directory, settings)


def _demo() -> Path:
    """The folder of the small model that comes with this project."""
    return shapes_demo.folder()


def _is_gguf(path: Path) -> bool:
    if path.is_dir():
        return any("mmproj" in file.name.lower() for file in path.glob("*.gguf"))
    return path.suffix.lower() == ".gguf"
