"""Qwen2-VL, Qwen2.5-VL and HyperCLOVA X Vision V2: patches at the image's own size."""

from math import ceil, floor, sqrt
from typing import Any, Final

import numpy as np
from PIL import Image

from app.domain.errors import SllmError
from app.domain.messages import Message
from app.engine.onnx.vision.family import Prepared
from app.engine.onnx.vision.parts import part_contents
from app.engine.onnx.vision.pixels import CLIP_MEAN, CLIP_STD, Array, Scale, resized
from app.engine.onnx.vision.settings import Settings
from app.engine.spec import OnnxVisionSpec

_BICUBIC: Final = 3
_FEWEST_PIXELS: Final = 56 * 56
_MOST_PIXELS: Final = 28 * 28 * 1280
# Qwen's processors refuse what is narrower.
_LONGEST_RATIO: Final = 200


class QwenVl:
    """`turns` is whether positions have three axes, as the language parts of Qwen want them."""

    placeholder = "<|image_pad|>"

    def __init__(self, spec: OnnxVisionSpec, turns: bool = True) -> None:
        found = Settings(spec.preprocessor, "preprocessor_config.json")
        vision = Settings(spec.config, "config.json").part("vision_config")
        self._turns = turns
        self._scale = Scale.read(found, CLIP_MEAN, CLIP_STD)
        self._resample = found.resample(_BICUBIC)
        self._patch = found.integer("patch_size", vision.integer("patch_size", 14))
        self._merge = found.integer("merge_size", vision.integer("spatial_merge_size", 2))
        self._times = found.integer("temporal_patch_size", 2)
        size = found.part("size")
        self._fewest = found.integer("min_pixels", size.integer("shortest_edge", _FEWEST_PIXELS))
        self._most = found.integer("max_pixels", size.integer("longest_edge", _MOST_PIXELS))

    def prepare(self, image: Image.Image) -> Prepared:
        """Raises SllmError for an image that is too long and narrow."""
        height, width = self.size_for(image.height, image.width)
        pixels = self._scale.apply(np.asarray(resized(image, height, width, self._resample)))
        grid = 1, height // self._patch, width // self._patch
        feeds = {
            "pixel_values": self._patches(pixels),
            "image_grid_thw": np.array([grid], np.int64),
        }
        merged = 1, grid[1] // self._merge, grid[2] // self._merge
        return Prepared(feeds, (merged[1] * merged[2],), merged if self._turns else None)

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """Near the image's own size: whole squares of patches, within the pixels allowed."""
        if max(height, width) / min(height, width) > _LONGEST_RATIO:
            raise SllmError("invalid_image", "image_too_narrow", param="images")
        side = self._patch * self._merge
        high, wide = round(height / side) * side, round(width / side) * side
        if high * wide > self._most:
            shrink = sqrt((height * width) / self._most)
            high = max(side, floor(height / shrink / side) * side)
            wide = max(side, floor(width / shrink / side) * side)
        elif high * wide < self._fewest:
            grow = sqrt(self._fewest / (height * width))
            high = ceil(height * grow / side) * side
            wide = ceil(width * grow / side) * side
        return high, wide

    def _patches(self, pixels: Array) -> Array:
        """[3, height, width] to [patches, numbers], patches that are merged side by side, each
        as often as a video has frames in one."""
        patch, merge = self._patch, self._merge
        _, height, width = pixels.shape
        rows, columns = height // patch, width // patch
        split = pixels.reshape(3, rows // merge, merge, patch, columns // merge, merge, patch)
        ordered = split.transpose(1, 4, 2, 5, 0, 3, 6)
        frames = np.repeat(ordered[:, :, :, :, :, None], self._times, axis=5)
        return frames.reshape(rows * columns, 3 * self._times * patch * patch)

    def tokens_between(self) -> tuple[int, int]:
        area = (self._patch * self._merge) ** 2
        return max(1, ceil(self._fewest / area)), max(1, self._most // area)

    def contents(self, messages: list[Message]) -> list[dict[str, Any]]:
        return part_contents(messages)

    def fallback_template(self) -> str | None:
        return None
