"""An ONNX model that sees: the spec of the onnxruntime engine that serves it on this machine."""

from pathlib import Path
from typing import Any, Final

from app.config import Settings
from app.domain.model_info import Notice, VisionInfo
from app.engine.backends.base import LoadError
from app.engine.feature_folder import FEATURES
from app.engine.onnx.vision.families import KNOWN, TAKE_HINTS, family
from app.engine.spec import EngineSpec, OnnxVisionSpec
from app.provider.onnx_provider import companions
from app.provider.plan import Plan, compute_threads, no_drafts, plan, refuse_too_big, wishes
from app.weights import ModelSpec, WeightsError
from app.weights.ensure import safe_id
from app.weights.memory import available_bytes
from app.weights.onnx_files import GRAPH_FOLDER
from app.weights.vision_package import VisionPackage, check

# Encoders at an image's own size compare all its patches: beyond so many rows of features they
# want gigabytes (transformers' own bound for Qwen2-VL).
_MOST_ROWS: Final = 1280


def spec(path: Path, directory: Path, settings: Settings) -> EngineSpec:
    """`path` is a folder or the encoder's file. Blocks while headers are read. Raises
    WeightsError."""
    package = check(path)
    header, name = package.header, _name(path)
    if package.family not in KNOWN:
        values = {"model": name, "family": package.family or "-", "known": ", ".join(KNOWN)}
        raise WeightsError("vision_family_unknown", **values)
    available = available_bytes()
    chosen = plan(header, wishes(settings), available, compute_threads())
    if chosen.needed_bytes > available:
        refuse_too_big(ModelSpec(id=name, path=str(path)), chosen, available)
    vision, notices = _vision(package, chosen, settings)
    return EngineSpec(
        backend="onnx",
        directory=str(directory),
        id=name,
        path=str(package.files.decoder),
        architecture=header.architecture,
        quantization=header.quantization,
        parameters=header.parameters,
        languages=header.languages,
        training_context_length=header.context_length,
        has_chat_template=True,
        control_tokens=header.control_tokens,
        context_length=chosen.context_length,
        slots=chosen.slots,
        batch=chosen.batch,
        threads=chosen.threads,
        use_gpu=settings.use_gpu,
        queue_limit=settings.queue_limit,
        rate_limit=settings.rate_limit,
        notices=(*chosen.notices, *notices, *no_drafts(settings, name)),
        onnx=companions(header),
        data=tuple(map(str, header.data)),
        onnx_vision=vision,
        vision=_info(package, vision, name),
    )


def _vision(
    package: VisionPackage, chosen: Plan, settings: Settings
) -> tuple[OnnxVisionSpec, list[Notice]]:
    """Images that vary in size are held within half of the window."""
    preprocessor, notices = package.preprocessor, []
    if package.family in ("qwen2_vl", "qwen2_5_vl", "hyperclovax_vision_v2", "vlm"):
        most = min(_MOST_ROWS, chosen.context_length // 2)
        preprocessor, capped = _capped(package, most)
        if capped:
            notices.append(Notice("vision_pixels_capped", {"tokens": most}))
    made = OnnxVisionSpec(
        family=package.family,
        encoder=str(package.files.encoder),
        embedding=str(package.files.embedding),
        config=package.config,
        preprocessor=preprocessor,
        cache=str(settings.data_dir.absolute() / FEATURES),
        max_grids=settings.vision_max_grids,
    )
    return made, notices


def _capped(package: VisionPackage, rows: int) -> tuple[dict[str, Any], bool]:
    """Settings under which no image has more than `rows`, and whether that changed them."""
    found = package.preprocessor
    size = found.get("size") if isinstance(found.get("size"), dict) else {}
    patch, merge = found.get("patch_size", 14), found.get("merge_size", 2)
    asked = found.get("max_pixels") or (size or {}).get("longest_edge") or 28 * 28 * _MOST_ROWS
    if not all(isinstance(number, int) for number in (patch, merge, asked)):
        # The family says which of them is wrong.
        return found, False
    most = rows * (patch * merge) ** 2
    return ({**found, "max_pixels": most}, True) if asked > most else (found, False)


def _info(package: VisionPackage, vision: OnnxVisionSpec, name: str) -> VisionInfo:
    """Raises WeightsError for a configuration that the family refuses."""
    try:
        made = family(vision, name, package.header.chat_template)
        fewest, most = made.tokens_between()
    except LoadError as error:
        raise WeightsError(error.text, **error.values) from error
    tower = package.config.get("vision_config")
    sizes = tower if isinstance(tower, dict) else {}
    return VisionInfo(
        image_size=_number(sizes.get("image_size")),
        patch_size=_number(sizes.get("patch_size")),
        tokens_min=fewest,
        tokens_max=most,
        files=tuple(path.name for path in package.files.graphs),
        license=package.header.card.license,
        takes_hints=package.family in TAKE_HINTS,
    )


def _number(found: object) -> int:
    return found if isinstance(found, int) and found > 0 else 0


def _name(path: Path) -> str:
    """The folder's name, or the file's where that says something."""
    path = path.absolute()
    if path.is_dir():
        return safe_id(path.name)
    if path.stem != "vision_encoder":
        return safe_id(path.stem)
    folder = path.parent.parent if path.parent.name == GRAPH_FOLDER else path.parent
    return safe_id(folder.name)
