"""The demo that sees, as files of this package: `VISION_MODEL_PATH=shapes-demo`. It knows simple
shapes and their colours, in English and Korean, and nothing else; README.md here is its card."""

from pathlib import Path
from typing import Final, Literal

Kind = Literal["onnx", "hyperclovax", "gguf"]
NAME: Final = "shapes-demo"


def folder(kind: Kind = "onnx") -> Path:
    """The same trained weights in three layouts: LLaVA's in ONNX, HyperCLOVA X Vision's in ONNX,
    and GGUF with its mmproj."""
    return Path(__file__).parent / kind
