"""Idefics3 and SmolVLM: an image as rows and columns of tiles, and once more as a whole."""

from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np
from PIL import Image

from app.domain.messages import Message
from app.engine.onnx.vision.family import Prepared
from app.engine.onnx.vision.parts import part_contents
from app.engine.onnx.vision.pixels import HALF, Scale, resized
from app.engine.onnx.vision.settings import Settings
from app.engine.spec import OnnxVisionSpec

_LANCZOS: Final = 1
# The longest side that transformers ever makes.
_MOST_PIXELS: Final = 4096
_AROUND: Final = "<fake_token_around_image>"
_WHOLE: Final = "<global-img>"


@dataclass(frozen=True)
class _Tiling:
    """Sizes of an image on its way to tiles; no rows for one that is a single tile."""

    first: tuple[int, int]
    second: tuple[int, int]
    rows: int = 0
    columns: int = 0


class Idefics3:
    """preprocessor_config.json tells the sizes, config.json how many rows a tile becomes."""

    placeholder = "<image>"

    def __init__(self, spec: OnnxVisionSpec) -> None:
        found = Settings(spec.preprocessor, "preprocessor_config.json")
        config = Settings(spec.config, "config.json")
        self._scale = Scale.read(found, HALF, HALF)
        self._resample = found.resample(_LANCZOS)
        self._resizes = found.flag("do_resize", True)
        self._splits = found.flag("do_image_splitting", True)
        self._tile = found.part("max_image_size").integer("longest_edge", 364, _MOST_PIXELS)
        self._longest = found.part("size").integer("longest_edge", 4 * 364)
        self._rows = self._rows_of_tile(found, config)

    def _rows_of_tile(self, found: Settings, config: Settings) -> int:
        """The processor's own number, which the model's sizes must give as well."""
        vision = config.part("vision_config")
        patches = self._tile // vision.integer("patch_size", 32)
        rows = patches**2 // config.integer("scale_factor", 2) ** 2
        if found.integer("image_seq_len", rows) != rows:
            raise found.wrong("image_seq_len")
        return rows

    def prepare(self, image: Image.Image) -> Prepared:
        tiling = self._tiling(*image.size)
        if self._resizes:
            image = resized(image, *tiling.first, self._resample)
        image = resized(image, *tiling.second, self._resample)
        tiles = np.stack([self._scale.apply(np.asarray(tile)) for tile in self._cut(image, tiling)])
        mask = np.ones((1, len(tiles), *tiles.shape[2:]), np.bool_)
        feeds = {"pixel_values": tiles[None], "pixel_attention_mask": mask}
        return Prepared(feeds, self._pieces(tiling))

    def pieces_for(self, width: int, height: int) -> tuple[str | int, ...]:
        """What stands for an image of this size."""
        return self._pieces(self._tiling(width, height))

    def _tiling(self, width: int, height: int) -> _Tiling:
        first = _bounded(*_longest_at(height, width, self._longest))
        if not self._resizes:
            first = height, width
        if not self._splits:
            return _Tiling(first, (self._tile, self._tile))
        second = self._whole_tiles(*first)
        if max(second) <= self._tile:
            return _Tiling(first, second)
        return _Tiling(first, second, second[0] // self._tile, second[1] // self._tile)

    def _whole_tiles(self, height: int, width: int) -> tuple[int, int]:
        ratio = width / height
        if width >= height:
            width = self._up(width)
            return self._up(int(width / ratio)), width
        height = self._up(height)
        return height, self._up(int(height * ratio))

    def _up(self, side: int) -> int:
        return ceil(side / self._tile) * self._tile

    def _cut(self, image: Image.Image, tiling: _Tiling) -> list[Image.Image]:
        """The tiles, row by row, and then the whole image as one tile."""
        side = self._tile
        tiles = [
            image.crop((column * side, row * side, (column + 1) * side, (row + 1) * side))
            for row in range(tiling.rows)
            for column in range(tiling.columns)
        ]
        return [*tiles, resized(image, side, side, self._resample) if tiles else image]

    def _pieces(self, tiling: _Tiling) -> tuple[str | int, ...]:
        pieces: list[str | int] = []
        newline = ""
        for row in range(1, tiling.rows + 1):
            for column in range(1, tiling.columns + 1):
                pieces += [f"{newline}{_AROUND}<row_{row}_col_{column}>", self._rows]
                newline = ""
            newline = "\n"
        end = newline * 2
        return (*pieces, f"{end}{_AROUND}{_WHOLE}", self._rows, _AROUND)

    def tokens_between(self) -> tuple[int, int]:
        """The most are a square's or a strip's, whichever is cut into more tiles."""
        shapes = [(8, 8), (8, 7), (7, 8), (64, 1), (1, 64), (16, 9), (9, 16)]
        found = [self._tiling(width * 512, height * 512) for width, height in shapes]
        tiles = [tiling.rows * tiling.columns + 1 for tiling in found]
        return (min(tiles) * self._rows, max(tiles) * self._rows)

    def contents(self, messages: list[Message]) -> list[dict[str, Any]]:
        return part_contents(messages)

    def fallback_template(self) -> str | None:
        return None


def _longest_at(height: int, width: int, longest: int) -> tuple[int, int]:
    """The longer side at `longest`, the other one even."""
    ratio = width / height
    if width >= height:
        width, height = longest, int(longest / ratio)
        height += height % 2
    else:
        height, width = longest, int(longest * ratio)
        width += width % 2
    return max(height, 1), max(width, 1)


def _bounded(height: int, width: int) -> tuple[int, int]:
    ratio = width / height
    if width >= height and width > _MOST_PIXELS:
        width, height = _MOST_PIXELS, int(_MOST_PIXELS / ratio)
    elif height > width and height > _MOST_PIXELS:
        height, width = _MOST_PIXELS, int(_MOST_PIXELS * ratio)
    return max(height, 1), max(width, 1)
