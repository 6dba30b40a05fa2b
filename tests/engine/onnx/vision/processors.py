"""Real configurations of each family, and what transformers' own processors make of images.

`python -m tests.engine.onnx.vision.processors` writes processors.json again (needs transformers).
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import numpy as np
from PIL import Image

from app.engine.spec import OnnxVisionSpec
from tests.engine.onnx.vision.checkpoints import noise

GOLDENS: Final = Path(__file__).with_name("processors.json")
SIZES: Final = [
    *[(1, 1), (1, 90), (90, 1), (2, 3), (7, 500), (900, 6), (27, 28), (28, 28), (56, 57)],
    *[(224, 224), (336, 336), (337, 335), (363, 365), (364, 364), (384, 200), (200, 384)],
    *[(640, 480), (480, 640), (511, 512), (729, 1458), (1000, 999), (1500, 300), (333, 1777)],
]
SQUARE: Final = {"height": 384, "width": 384}
# By name: family, preprocessor_config.json, config.json.
REAL: Final[dict[str, tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "llava-1.5": (
        "llava",
        {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 336},
            "crop_size": {"height": 336, "width": 336},
        },
        {"vision_config": {"model_type": "clip_vision_model", "image_size": 336, "patch_size": 14}},
    ),
    "llava padded": (
        "llava",
        {
            "image_processor_type": "LlavaImageProcessor",
            "size": {"shortest_edge": 224},
            "crop_size": {"height": 224, "width": 224},
            "do_pad": True,
        },
        {"vision_config": {"model_type": "clip_vision_model", "image_size": 224, "patch_size": 14}},
    ),
    "llava wide crop": (
        "llava",
        {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 30},
            "crop_size": {"height": 43, "width": 38},
            "resample": 2,
        },
        {"vision_config": {"model_type": "clip_vision_model", "image_size": 43, "patch_size": 7}},
    ),
    "llava siglip": (
        "llava",
        {"image_processor_type": "SiglipImageProcessor", "size": SQUARE},
        {
            "vision_config": {
                "model_type": "siglip_vision_model",
                "image_size": 384,
                "patch_size": 14,
            },
            "vision_feature_select_strategy": "full",
        },
    ),
    "idefics3": (
        "idefics3",
        {"size": {"longest_edge": 1456}, "max_image_size": {"longest_edge": 364}},
        {"vision_config": {"patch_size": 14}, "scale_factor": 2},
    ),
    "smolvlm": (
        "smolvlm",
        {"size": {"longest_edge": 1536}, "max_image_size": {"longest_edge": 512}},
        {"vision_config": {"patch_size": 16}, "scale_factor": 4},
    ),
    "smolvlm whole": (
        "smolvlm",
        {
            "size": {"longest_edge": 1024},
            "max_image_size": {"longest_edge": 512},
            "do_image_splitting": False,
        },
        {"vision_config": {"patch_size": 16}, "scale_factor": 4},
    ),
    "qwen2_vl": ("qwen2_vl", {"min_pixels": 3136, "max_pixels": 501760}, {}),
    "qwen2_5_vl": (
        "qwen2_5_vl",
        {"size": {"shortest_edge": 3136, "longest_edge": 1003520}},
        {},
    ),
    "hyperclovax_vision_v2": ("hyperclovax_vision_v2", {"max_pixels": 802816}, {}),
}


def vision_spec(name: str) -> OnnxVisionSpec:
    family, preprocessor, config = REAL[name]
    return OnnxVisionSpec(
        family=family,
        encoder="",
        embedding="",
        config=config,
        preprocessor=preprocessor,
        cache="",
    )


def images() -> list[Image.Image]:
    return [noise(*size) for size in SIZES]


def digest(feeds: Mapping[str, Any]) -> str:
    """Of names, shapes and every bit of the pixels."""
    found = hashlib.sha256()
    for name in sorted(feeds):
        kind = np.float32 if name == "pixel_values" else np.int64
        array = np.ascontiguousarray(feeds[name], kind)
        found.update(f"{name} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()[:32]


def random_sizes() -> list[tuple[int, int]]:
    random = Random(5)
    return [(random.randint(11, 2200), random.randint(11, 2200)) for _ in range(300)]


def processor(name: str) -> Any:
    """transformers' own, on Pillow."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
    from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

    family, found, _ = REAL[name]
    kinds = {
        "CLIPImageProcessor": CLIPImageProcessorPil,
        "LlavaImageProcessor": LlavaImageProcessorPil,
        "SiglipImageProcessor": SiglipImageProcessorPil,
        "idefics3": Idefics3ImageProcessorPil,
        "smolvlm": SmolVLMImageProcessorPil,
    }
    settings = {key: value for key, value in found.items() if key != "image_processor_type"}
    kind = kinds.get(found.get("image_processor_type", family), Qwen2VLImageProcessorPil)
    return kind(**settings)


def reference(made: Any, image: Image.Image) -> dict[str, Any]:
    return dict(made([image], return_tensors="np"))


def count(made: Any, name: str, size: tuple[int, int]) -> int:
    """Feature rows by the processor's own output for an image of that size."""
    _, found, config = REAL[name]
    image = Image.new("RGB", size)
    # The pixels' values do not matter here, and cost most of the time.
    plain = {"do_rescale": False, "do_normalize": False}
    if "max_image_size" not in found:
        return int(made([image], **plain)["image_grid_thw"][0].prod()) // 4
    shape = made([image], return_tensors="np", **plain)["pixel_values"].shape
    patches = shape[-1] // config["vision_config"]["patch_size"]
    return int(shape[1] * patches**2 // config["scale_factor"] ** 2)


COUNTED: Final = ("idefics3", "smolvlm", "qwen2_vl", "hyperclovax_vision_v2")


def pixels_of(name: str) -> list[str]:
    made = processor(name)
    return [digest(reference(made, image)) for image in images()]


def counts_of(name: str) -> list[int]:
    """Sizes are all that matters: pixels are not computed, which would take an hour."""
    made = processor(name)
    with patch.object(Image.Image, "resize", lambda _, size, **__: Image.new("RGB", size)):
        return [count(made, name, size) for size in random_sizes()]


def main() -> None:
    counts = {name: counts_of(name) for name in COUNTED}
    found = {"pixels": {name: pixels_of(name) for name in REAL}, "counts": counts}
    GOLDENS.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
