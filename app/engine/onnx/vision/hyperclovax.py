"""HyperCLOVA X Vision (hyperclovax_vlm): its images, its rows of features, its messages."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from PIL import Image

from app.domain.messages import Message
from app.engine.onnx.vision import hyperclovax_config as facts
from app.engine.onnx.vision.family import Prepared
from app.engine.onnx.vision.hyperclovax_chat import FALLBACK, PLACEHOLDER, Style, style_of
from app.engine.onnx.vision.hyperclovax_grids import (
    Pixels,
    Size,
    best,
    fewer,
    gather,
    resampling,
    resolutions,
)
from app.engine.spec import OnnxVisionSpec

# transformers' CLIP, which the model's processor takes where its configuration is silent.
_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION: Final = (0.26862954, 0.26130258, 0.27577711)
_FACTOR: Final = 1 / 255


def family(spec: OnnxVisionSpec, template: str = "") -> "HyperClovaX":
    """`template` is the model's chat template. Raises LoadError."""
    return HyperClovaX(spec.config, spec.preprocessor, template, spec.max_grids)


class HyperClovaX:
    """See family.Family. `template` is the model's chat template, "" for none; `max_grids`
    bounds the grids of an image besides its global view. Raises LoadError."""

    def __init__(
        self,
        config: Mapping[str, Any],
        preprocessor: Mapping[str, Any],
        template: str = "",
        max_grids: int | None = None,
    ) -> None:
        both = {**config, **preprocessor}
        self.placeholder = str(both.get("image_token") or PLACEHOLDER)
        self._side = facts.features_side(config)
        self._pixels = _pixels(config, preprocessor)
        self._unpad = bool(both.get("unpad", False))
        self._canvases = _canvases(both, self._pixels.size, max_grids)
        self._style: Style = style_of(template or self.fallback_template(), self.placeholder)

    def prepare(self, image: Image.Image) -> Prepared:
        image = image.convert("RGB")
        size = (image.height, image.width)
        pixels = self._pixels
        if self._canvases:
            grids = [pixels.whole(image), *pixels.cut(image, best(size, self._canvases))]
        else:
            grids = [pixels.whole(image) if pixels.square else pixels.cropped(image)]
        index = self._index(size)
        return Prepared(
            {"pixel_values": pixels.values(grids), "gather_index": index}, (len(index),)
        )

    def _index(self, size: Size) -> np.ndarray[Any, Any]:
        if not self._canvases:
            return np.arange(self._side**2, dtype=np.int64)
        canvas = best(size, self._canvases)
        return gather(size, canvas, self._pixels.size, self._side, self._unpad)

    def tokens_between(self) -> tuple[int, int]:
        """The extremes are at images of a canvas's sides, or of one pixel."""
        grid = self._pixels.size
        longest = max((side for canvas in self._canvases for side in canvas), default=grid)
        sides = [1, *range(grid, longest + 1, grid)]
        counts = [len(self._index((height, width))) for height in sides for width in sides]
        return min(counts), max(counts)

    def contents(self, messages: list[Message]) -> list[dict[str, Any]]:
        return list(self._style(messages))

    def fallback_template(self) -> str:
        return FALLBACK.replace(PLACEHOLDER, self.placeholder)


def _pixels(config: Mapping[str, Any], given: Mapping[str, Any]) -> Pixels:
    grid = facts.vision_config(config).get("image_size")
    for name in ("size", "crop_size"):
        if name in given and set(_sides(given[name])) != {grid}:
            raise facts.refused(f"{name}={given[name]}, image_size={grid}")
    for name in ("do_rescale", "do_normalize"):
        if given.get(name) is False:
            raise facts.refused(f"{name}=false")
    try:
        return Pixels(
            size=int(str(grid)),
            resample=resampling(given.get("resample")),
            mean=_colour(given.get("image_mean"), _MEAN),
            deviation=_colour(given.get("image_std"), _DEVIATION),
            factor=float(given.get("rescale_factor") or _FACTOR),
            square=bool(given.get("pad_to_square", True)),
        )
    except (TypeError, ValueError) as error:
        raise facts.refused(f"preprocessor_config.json: {error}"[:200]) from error


def _sides(size: Any) -> Iterator[int]:
    if isinstance(size, Mapping):
        yield from (side for side in size.values() if side is not None)
    else:
        yield size


def _colour(given: Any, default: tuple[float, ...]) -> tuple[float, ...]:
    if given is None:
        return default
    values = [given] * 3 if isinstance(given, int | float) else given
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _canvases(both: Mapping[str, Any], grid: int, most: int | None) -> tuple[Size, ...]:
    """The files' own list, or the one that the model's code makes; () for one grid only."""
    if not both.get("anyres", False):
        return ()
    listed = both.get("possible_resolutions") or ()
    found = tuple((int(height), int(width)) for height, width in listed)
    if not found:
        found = resolutions(grid, int(both.get("max_num_grids", 0)), bool(both.get("use_1x1_grid")))
    if not found or any(side < grid or side % grid for size in found for side in size):
        raise facts.refused("possible_resolutions, max_num_grids")
    return fewer(found, grid, most) if most is not None else found
