"""LLaVA: one square through a CLIP or SigLIP tower and a projector, always as many rows."""

from typing import Any, Final

import numpy as np
from PIL import Image

from app.domain.messages import Message
from app.engine.onnx.vision.family import Prepared
from app.engine.onnx.vision.parts import part_contents
from app.engine.onnx.vision.pixels import (
    CLIP_MEAN,
    CLIP_STD,
    HALF,
    Array,
    Scale,
    center_cropped,
    padded_to_square,
    resized,
    shortest_edge,
)
from app.engine.onnx.vision.settings import Settings
from app.engine.spec import OnnxVisionSpec

_BICUBIC: Final = 3
# What the weights were trained on, where the folder brings no chat template (LLaVA 1.5).
_TEMPLATE: Final = (
    "{% for message in messages %}{% if message.role == 'system' %}"
    "{% for part in message.content %}{{ part.text }} {% endfor %}"
    "{% else %}{{ 'USER: ' if message.role == 'user' else 'ASSISTANT: ' }}"
    "{% for part in message.content %}{% if part.type == 'image' %}<image>\n"
    "{% else %}{{ part.text }} {% endif %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)


class Llava:
    """`vision_config` tells the tower, preprocessor_config.json how it wants its square."""

    def __init__(self, spec: OnnxVisionSpec) -> None:
        self._settings = Settings(spec.preprocessor, "preprocessor_config.json")
        config = Settings(spec.config, "config.json")
        self._tower = config.part("vision_config")
        siglip = "siglip" in self._tower.text("model_type", "clip_vision_model")
        processor = self._settings.text("image_processor_type", "Siglip" if siglip else "CLIP")
        plain = processor.startswith("Siglip")
        self.placeholder = self._settings.text("image_token", "<image>")
        mean, std = (HALF, HALF) if plain else (CLIP_MEAN, CLIP_STD)
        self._scale = Scale.read(self._settings, mean, std)
        self._resample = self._settings.resample(_BICUBIC)
        self._side = self._tower.integer("image_size", 224 if siglip else 336)
        self._crops = self._settings.flag("do_center_crop", not plain)
        self._squares = self._settings.flag("do_pad", False)
        self._resizes = self._settings.flag("do_resize", True)
        self._rows = self._count(config, siglip)
        # What cannot be is told now, not with the first image.
        self._target(1, 1)

    def _count(self, config: Settings, siglip: bool) -> int:
        """Patches, and the token of the class where the tower has one and all are kept."""
        height, width = self._size()
        patch = self._settings.integer("patch_size", self._tower.integer("patch_size", 14))
        extra = self._settings.count("num_additional_image_tokens", 0 if siglip else 1)
        strategy = config.text("vision_feature_select_strategy", "default")
        if strategy not in ("default", "full"):
            raise config.wrong("vision_feature_select_strategy")
        rows = (height // patch) * (width // patch) + extra - (strategy == "default")
        if rows < 1:
            raise self._tower.wrong("patch_size")
        return rows

    def _size(self) -> tuple[int, int]:
        """(height, width) of what the tower gets."""
        size = self._settings.part("crop_size" if self._crops else "size")
        square = size.integer("shortest_edge", self._side)
        return size.integer("height", square), size.integer("width", square)

    def prepare(self, image: Image.Image) -> Prepared:
        if self._squares:
            color = tuple(int(each * 255) for each in self._scale.mean) or (0, 0, 0)
            image = padded_to_square(image, color)
        pixels = np.asarray(self._resized(image))
        if self._crops:
            pixels = center_cropped(pixels, *self._size())
        return Prepared({"pixel_values": self._feed(pixels)}, (self._rows,))

    def _resized(self, image: Image.Image) -> Image.Image:
        if not self._resizes:
            return image
        height, width = self._target(*image.size)
        return resized(image, height, width, self._resample)

    def _target(self, width: int, height: int) -> tuple[int, int]:
        """(height, width) that an image of this size gets."""
        size = self._settings.part("size")
        if size.has("height") or not (self._crops or size.has("shortest_edge")):
            return size.integer("height", self._side), size.integer("width", self._side)
        return shortest_edge(width, height, size.integer("shortest_edge", self._side))

    def _feed(self, pixels: Array) -> Array:
        return self._scale.apply(pixels)[None]

    def tokens_between(self) -> tuple[int, int]:
        return self._rows, self._rows

    def contents(self, messages: list[Message]) -> list[dict[str, Any]]:
        return part_contents(messages)

    def fallback_template(self) -> str | None:
        return _TEMPLATE
