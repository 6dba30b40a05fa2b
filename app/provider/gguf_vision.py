"""A GGUF model that sees: the spec of the llama.cpp engine with its projector (mmproj)."""

from pathlib import Path

from msgspec.structs import replace

from app.config import Settings
from app.domain.model_info import VisionInfo
from app.engine.spec import EngineSpec
from app.provider.gguf_provider import spec as text_spec
from app.provider.plan import no_drafts
from app.weights import ModelSpec, WeightsError
from app.weights.ensure import safe_id
from app.weights.memory import available_bytes
from app.weights.mmproj_files import pair
from app.weights.mmproj_header import MmprojHeader, check_mmproj
from app.weights.preflight import check
from app.weights.sizes import human_bytes

# Some models look at all of an image's tokens at once (Gemma 3: 256), and llama.cpp ends the
# process when one batch cannot hold them.
IMAGE_BATCH = 512


def spec(path: Path, directory: Path, settings: Settings) -> EngineSpec:
    """`path` is a .gguf file with its mmproj beside it, or a folder with both. Blocks while
    headers are read. Raises WeightsError."""
    text, mmproj = pair(path)
    header = check_mmproj(mmproj, text, check(text))
    weights = ModelSpec(id=safe_id(text.stem), path=str(text))
    made = text_spec(weights, directory, settings)
    free, needed = available_bytes(), header.file_bytes
    if needed > free:
        raise WeightsError(
            "weights_memory", model=mmproj.name, needed=human_bytes(needed), free=human_bytes(free)
        )
    return replace(
        made,
        batch=max(made.batch, IMAGE_BATCH),
        speculation="off",
        notices=(*made.notices, *no_drafts(settings, made.id)),
        mmproj=str(mmproj),
        vision=_vision(header, (text.name, mmproj.name)),
    )


def _vision(header: MmprojHeader, files: tuple[str, ...]) -> VisionInfo:
    return VisionInfo(
        image_size=header.image_size,
        patch_size=header.patch_size,
        tokens_min=header.tokens,
        tokens_max=header.tokens,
        files=files,
        license=header.license,
    )
