"""Any-resolution images, as HyperCLOVA X Vision's own processor cuts them: pixels in, grids out.

Sizes are (height, width) in pixels. The arithmetic, with its floats and their rounding, is part of
the model: it was trained on what comes out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image

from app.engine.onnx.vision.family import Array

Size = tuple[int, int]
BICUBIC: Final = 3
# Of what is cropped to its middle, more than this many squares are not even resized.
LONGEST: Final = 256


def resolutions(grid: int, most: int, single: bool) -> tuple[Size, ...]:
    """All canvases of at most `most` grids, in the model's order; `single`: one grid too."""
    return tuple(
        (rows * grid, columns * grid)
        for rows in range(1, most + 1)
        for columns in range(1, most + 1)
        if rows * columns <= most and (single or rows * columns > 1)
    )


def fewer(candidates: Sequence[Size], grid: int, most: int) -> tuple[Size, ...]:
    """Those of at most `most` grids, or the smallest where there are none."""

    def grids(size: Size) -> int:
        return (size[0] // grid) * (size[1] // grid)

    most = max(most, min(map(grids, candidates)))
    return tuple(size for size in candidates if grids(size) <= most)


def best(size: Size, candidates: Sequence[Size]) -> Size:
    """The canvas that keeps most of the image's pixels, and of those the one that wastes least;
    the first where there are several."""

    def rank(candidate: Size) -> tuple[int, int]:
        scale = min(candidate[1] / size[1], candidate[0] / size[0])
        kept = min(int(size[1] * scale) * int(size[0] * scale), size[0] * size[1])
        return kept, kept - candidate[0] * candidate[1]

    return max(candidates, key=rank)


def inside(size: Size, canvas: Size) -> Size:
    """The image's size when it fills one side of the canvas."""
    across, down = canvas[1] / size[1], canvas[0] / size[0]
    if across < down:
        return min(math.ceil(size[0] * across), canvas[0]), canvas[1]
    return canvas[0], min(math.ceil(size[1] * down), canvas[1])


def long_side(size: Size, target: int) -> Size:
    """The image's size when its longer side is `target`."""
    height, width = size
    if width >= height:
        return math.ceil(height / width * target) if width > height else target, target
    return target, math.ceil(width / height * target)


def short_side(size: Size, target: int) -> Size:
    """The image's size when its shorter side is `target`."""
    height, width = size
    if width <= height:
        return int(target * height / width), target
    return target, int(target * width / height)


@dataclass(frozen=True)
class Pixels:
    """What preprocessor_config.json says of pixels. `fill` colours what is no image."""

    size: int
    resample: Image.Resampling
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    factor: float
    square: bool

    @property
    def fill(self) -> tuple[int, ...]:
        return tuple(int(value * 255) for value in self.mean)

    def resized(self, image: Image.Image, size: Size) -> Image.Image:
        return image.resize((size[1], size[0]), self.resample)

    def padded(self, image: Image.Image, canvas: Size) -> Image.Image:
        """In the middle of a canvas; an odd pixel goes to the right and to the bottom."""
        result = Image.new("RGB", (canvas[1], canvas[0]), self.fill)
        result.paste(image, ((canvas[1] - image.width) // 2, (canvas[0] - image.height) // 2))
        return result

    def whole(self, image: Image.Image) -> Image.Image:
        """The global view: the image in a square."""
        square = (self.size, self.size)
        if not self.square:
            return self.resized(image, square)
        small = self.resized(image, long_side((image.height, image.width), self.size))
        return self.padded(small, square)

    def cropped(self, image: Image.Image) -> Image.Image:
        """For images that are neither padded nor cut into grids: the middle of it."""
        most = LONGEST * min(image.size)
        if max(image.size) > most:
            width, height = min(image.width, most), min(image.height, most)
            left, top = (image.width - width) // 2, (image.height - height) // 2
            image = image.crop((left, top, left + width, top + height))
        small = self.resized(image, short_side((image.height, image.width), self.size))
        left, top = (small.width - self.size) // 2, (small.height - self.size) // 2
        return small.crop((left, top, left + self.size, top + self.size))

    def cut(self, image: Image.Image, canvas: Size) -> list[Image.Image]:
        """The grids of the image on its canvas, row by row."""
        size = inside((image.height, image.width), canvas)
        padded = self.padded(self.resized(image, size), canvas)
        return [
            padded.crop((left, top, left + self.size, top + self.size))
            for top in range(0, canvas[0], self.size)
            for left in range(0, canvas[1], self.size)
        ]

    def values(self, images: Sequence[Image.Image]) -> Array:
        """float32 [images, 3, size, size]. The factor is applied in 64 bits, as it was when the
        model was trained."""
        bytes_ = np.stack([np.asarray(image, np.uint8) for image in images])
        values = (bytes_.astype(np.float64) * self.factor).astype(np.float32)
        values -= np.array(self.mean, np.float32)
        values /= np.array(self.deviation, np.float32)
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def kept(size: Size, rows: int, columns: int) -> tuple[range, range]:
    """Of a map of features for the canvas, the rows and columns that show the image."""
    height, width = size
    if width / height > columns / rows:
        margin = (rows - int(height * (columns / width))) // 2
        return range(margin, rows - margin), range(columns)
    margin = (columns - int(width * (rows / height))) // 2
    return range(rows), range(margin, columns - margin)


def gather(size: Size, canvas: Size, grid: int, side: int, unpad: bool) -> Array:
    """Which rows of the encoder's features stand in the prompt, in order (int64).

    Features are the grids' one after the other, `side` * `side` each, the global view's first;
    the last row is the newline. The global view is all there; of the others' map only what
    shows the image, each of its rows ended by the newline. Without `unpad` the whole map, and
    no newlines.
    """
    down, across = canvas[0] // grid, canvas[1] // grid
    places = np.arange(side * side, (1 + down * across) * side * side, dtype=np.int64)
    grids = places.reshape(down, across, side, side)
    local = grids.transpose(0, 2, 1, 3).reshape(down * side, across * side)
    if unpad:
        rows, columns = kept(size, down * side, across * side)
        local = local[rows.start : rows.stop, columns.start : columns.stop]
        newline = np.full((len(local), 1), places[-1] + 1)
        local = np.concatenate([local, newline], axis=1)
    whole = np.arange(side * side, dtype=np.int64)
    return np.concatenate([whole, local.ravel()])


def resampling(value: Any) -> Image.Resampling:
    """Pillow's filter by its number. Raises ValueError."""
    return Image.Resampling(BICUBIC if value is None else value)
