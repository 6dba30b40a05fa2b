"""Whether what `sllm convert` needs is installed, and the exact command where it is not."""

from importlib.util import find_spec
from typing import Final

from app.convert.errors import ConvertError

# Not of the extra: PyTorch has several builds, and the other needs it.
TORCH: Final = "torch==2.13.0 accelerate"
BESIDE: Final = ("torch", "accelerate")
# The modules of the extra `convert` (pyproject.toml).
MODULES: Final = (
    "gguf",
    "numpy",
    "onnx",
    "onnx_ir",
    "onnxruntime",
    "onnxruntime_genai",
    "safetensors",
    "tokenizers",
    "transformers",
)


def missing() -> list[str]:
    """Modules that are not there; those that are asked for apart last."""
    return [name for name in (*MODULES, *BESIDE) if find_spec(name) is None]


def require() -> None:
    """Raises ConvertError with the command that installs what is missing."""
    absent = missing()
    if [name for name in absent if name not in BESIDE]:
        raise ConvertError("convert_extra_missing", missing=", ".join(absent), torch=TORCH)
    if absent:
        raise ConvertError("convert_torch_missing", torch=TORCH)
