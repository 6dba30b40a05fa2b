"""The header of an mmproj file, looked at before llama.cpp loads it: what it would end the
process for (another width than the model's), and what its images become."""

import os
from pathlib import Path
from typing import Final

from msgspec import Struct

from app.weights.errors import WeightsError
from app.weights.gguf_header import GgufHeader, Metadata, read_header, read_metadata
from app.weights.opening import opened
from app.weights.other_formats import refuse_other_format

# llama.cpp's projectors that make one square of an image, whatever its size, and by how much each
# narrows the rows of patches. Others cut tiles or keep the image's shape.
ONE_SQUARE: Final = {"mlp": 1, "mlp_norm": 1, "ldp": 2, "ldpv2": 2, "gemma3": 4}


class MmprojHeader(Struct, frozen=True):
    """`projected` is the width of a feature row, `image_size` and `patch_size` are pixels,
    `tokens` feature rows of any image (0 where they depend on the image), `file_bytes` the size
    of a whole file."""

    projector: str
    projected: int
    image_size: int
    patch_size: int
    tokens: int
    license: str | None
    file_bytes: int


def check_mmproj(path: Path, text: Path, language: GgufHeader) -> MmprojHeader:
    """The header of the mmproj at `path` for the model `text`. Reads headers only; raises
    WeightsError when it is damaged, no projector for images, or another model's."""
    with opened(path) as (file, size):
        if size == 0:
            raise WeightsError("weights_empty", file=path.name)
        refuse_other_format(os.pread(file, 512, 0), path.name)
        tensors = read_header(file, size, path.name)
        metadata = read_metadata(file, size, path.name)
    if tensors.file_bytes > size:
        missing, needed = tensors.file_bytes - size, tensors.file_bytes
        raise WeightsError("weights_truncated", file=path.name, missing=missing, needed=needed)
    header = _header(metadata, tensors, path.name)
    if header.projected not in (0, language.embedding_length):
        raise WeightsError(
            "weights_mmproj_width",
            file=path.name,
            model=text.name,
            projected=header.projected,
            wanted=language.embedding_length,
        )
    return header


def _header(metadata: Metadata, tensors: GgufHeader, name: str) -> MmprojHeader:
    if tensors.architecture != "clip":
        architecture = tensors.architecture[:40] or "nameless"
        raise WeightsError("weights_not_mmproj", file=name, architecture=architecture)
    if not metadata.flag("clip.has_vision_encoder", False) or not tensors.tensor_count:
        raise WeightsError("weights_mmproj_blind", file=name)
    projector = metadata.text("clip.vision.projector_type") or metadata.text("clip.projector_type")
    image_size, patch_size = metadata.own("vision.image_size"), metadata.own("vision.patch_size")
    tiles = metadata.has("clip.vision.image_grid_pinpoints")
    narrowed = 0 if tiles else ONE_SQUARE.get(projector or "mlp", 0)
    across = image_size // (patch_size * narrowed) if patch_size and narrowed else 0
    return MmprojHeader(
        projector=projector or "mlp",
        projected=metadata.own("vision.projection_dim"),
        image_size=image_size,
        patch_size=patch_size,
        tokens=across * across,
        license=tensors.license,
        file_bytes=tensors.file_bytes,
    )
