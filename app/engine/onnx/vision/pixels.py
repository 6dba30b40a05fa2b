"""Pixels to numbers, bit for bit as transformers' image processors on Pillow compute them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Final, Self

import numpy as np
from PIL import Image

from app.engine.onnx.vision.settings import Settings

Array = np.ndarray[Any, Any]
CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)
HALF: Final = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Scale:
    """From bytes to what an encoder was trained on."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    factor: float | None

    @classmethod
    def read(cls, found: Settings, mean: Sequence[float], std: Sequence[float]) -> Self:
        """As preprocessor_config.json says; `mean` and `std` where it does not."""
        normalizes = found.flag("do_normalize", True)
        return cls(
            mean=tuple(found.numbers("image_mean", mean)) if normalizes else (),
            std=tuple(found.numbers("image_std", std)) if normalizes else (),
            factor=found.number("rescale_factor", 1 / 255)
            if found.flag("do_rescale", True)
            else None,
        )

    def apply(self, pixels: Array) -> Array:
        """[height, width, 3] bytes to [3, height, width] float32."""
        channels = pixels.transpose(2, 0, 1)
        if self.factor is None:
            scaled = channels.astype(np.float32)
        else:
            scaled = (channels.astype(np.float64) * self.factor).astype(np.float32)
        if self.mean:
            mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
            scaled = (scaled - mean[:, None, None]) / std[:, None, None]
        return np.ascontiguousarray(scaled)


def resized(image: Image.Image, height: int, width: int, resample: int) -> Image.Image:
    return image.resize((width, height), resample=Image.Resampling(resample))


def padded_to_square(image: Image.Image, color: tuple[int, ...]) -> Image.Image:
    """In the middle of a square of its longer side."""
    width, height = image.size
    side = max(width, height)
    square = Image.new("RGB", (side, side), color)
    square.paste(image, ((side - width) // 2, (side - height) // 2))
    return square


def center_cropped(pixels: Array, height: int, width: int) -> Array:
    """The middle of [height, width, 3]; what is smaller gets black around it."""
    had_height, had_width = pixels.shape[:2]
    top, left = (had_height - height) // 2, (had_width - width) // 2
    if top >= 0 and left >= 0:
        return pixels[top : top + height, left : left + width]
    full = np.zeros((max(height, had_height), max(width, had_width), 3), pixels.dtype)
    above, before = ceil((full.shape[0] - had_height) / 2), ceil((full.shape[1] - had_width) / 2)
    full[above : above + had_height, before : before + had_width] = pixels
    top, left = max(0, top + above), max(0, left + before)
    return full[top : top + height, left : left + width]


def shortest_edge(width: int, height: int, side: int) -> tuple[int, int]:
    """(height, width) with the shorter side at `side`."""
    if width <= height:
        return int(side * height / width), side
    return side, int(side * width / height)
