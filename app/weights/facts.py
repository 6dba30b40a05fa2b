"""What weights of any layout are, from their headers: the same facts whatever the format."""

from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from app.weights import onnx_preflight, preflight, vision_package
from app.weights.errors import WeightsError
from app.weights.memory import Footprint
from app.weights.mmproj_files import has_mmproj, pair
from app.weights.mmproj_header import check_mmproj
from app.weights.onnx_files import choose_graph, is_onnx_folder
from app.weights.vision_files import is_vision_folder


class Facts(Struct, frozen=True):
    """`footprint` tells the memory that they take, `extra_bytes` what an encoder adds to it;
    `path` is what a server is told of. A missing number is 0."""

    path: Path
    format: Literal["gguf", "onnx"]
    architecture: str
    quantization: str
    parameters: int
    context_length: int
    has_chat_template: bool
    sees: bool
    languages: tuple[str, ...]
    license: str | None
    file_bytes: int
    footprint: Footprint
    extra_bytes: int = 0


def facts_of(path: Path) -> Facts:
    """Reads headers only, checking that they are whole. Raises WeightsError."""
    if path.is_dir():
        if has_mmproj(path):
            return _gguf_that_sees(path)
        if is_vision_folder(path):
            return _onnx(path, vision_package.check(path).header, sees=True)
        if is_onnx_folder(path):
            return _onnx(path, onnx_preflight.check(choose_graph(path)), sees=False)
        raise WeightsError("weights_directory", file=path.name)
    if path.suffix.lower() == ".onnx":
        return _onnx(path, onnx_preflight.check(path), sees=False)
    return _gguf(path)


def _gguf(path: Path) -> Facts:
    header = preflight.check(path)
    return Facts(
        path=path,
        format="gguf",
        architecture=header.architecture,
        quantization=header.quantization,
        parameters=header.parameters,
        context_length=header.context_length,
        has_chat_template=header.has_chat_template,
        sees=False,
        languages=header.languages,
        license=header.license,
        file_bytes=header.file_bytes,
        footprint=header,
    )


def _gguf_that_sees(folder: Path) -> Facts:
    text, mmproj = pair(folder)
    header = preflight.check(text)
    projector = check_mmproj(mmproj, text, header)
    found = _gguf(text)
    return replace(
        found,
        path=folder,
        sees=True,
        file_bytes=found.file_bytes + projector.file_bytes,
        extra_bytes=projector.file_bytes,
    )


def _onnx(path: Path, header: onnx_preflight.OnnxHeader, *, sees: bool) -> Facts:
    return Facts(
        path=path,
        format="onnx",
        architecture=header.architecture,
        quantization=header.quantization,
        parameters=header.parameters,
        context_length=header.context_length,
        has_chat_template=header.has_chat_template,
        sees=sees,
        languages=header.languages,
        license=header.card.license,
        file_bytes=header.weight_bytes,
        footprint=header,
    )
