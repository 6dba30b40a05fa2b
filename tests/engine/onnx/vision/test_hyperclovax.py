"""HyperCLOVA X Vision's images: pixels, counts and order of rows equal a restated reference."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.engine.backends.base import LoadError
from app.engine.onnx.vision.hyperclovax import HyperClovaX
from tests.engine.onnx.vision import hyperclovax_reference as reference

HALF = [0.5, 0.5, 0.5]
CLIP = [0.48145466, 0.4578275, 0.40821073]
# What the real model's files say, as far as it is known (docs/decisions).
CONFIG: dict[str, Any] = {
    "model_type": "hyperclovax_vlm",
    "vision_config": {"model_type": "siglip_vision_model", "image_size": 378, "patch_size": 14},
    "language_config": {"hidden_size": 64},
    "mm_projector_type": "cabstractor",
    "num_queries_vis_abstractor": 81,
    "anyres": True,
    "unpad": True,
    "max_num_grids": 9,
    "use_1x1_grid": True,
}
PREPROCESSOR: dict[str, Any] = {
    "size": {"shortest_edge": 378},
    "crop_size": {"height": 378, "width": 378},
    "image_mean": HALF,
    "image_std": HALF,
}
SMALL: dict[str, Any] = {
    "vision_config": {"image_size": 42, "patch_size": 6},
    "num_queries_vis_abstractor": 9,
}
SMALL_SIZES: dict[str, Any] = {"size": 42, "crop_size": {"height": 42, "width": 42}}
# (width, height): squares, portraits, one pixel, sides of a canvas and one more or less.
SIZES = [
    *((1, 1), (1, 200), (200, 1), (2, 3), (3, 2), (41, 42), (42, 42), (43, 42), (42, 84)),
    *((84, 42), (83, 127), (126, 126), (127, 126), (378, 42), (42, 378), (379, 41), (200, 150)),
    *((640, 480), (480, 640), (333, 77), (77, 333), (500, 501), (1000, 30)),
]


def picture(width: int, height: int, seed: int = 1) -> Image.Image:
    """Noise over a slope: every pixel and every direction counts."""
    random = np.random.default_rng(seed)
    noise = random.integers(0, 200, (height, width, 3))
    noise += np.arange(width)[None, :, None] % 56
    return Image.fromarray(noise.astype(np.uint8))


def settings(**changes: Any) -> dict[str, Any]:
    possible = reference.possible_resolutions(9, 42, use_1x1_grid=True)
    common = {"grid": 42, "mean": HALF, "std": HALF, "possible": possible}
    return {**common, "anyres": True, "pad_to_square": True, **changes}


def small(**changes: Any) -> HyperClovaX:
    return HyperClovaX({**CONFIG, **SMALL}, {**PREPROCESSOR, **SMALL_SIZES, **changes})


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    "mode",
    [
        {},
        {"pad_to_square": False},
        {"anyres": False},
        {"anyres": False, "pad_to_square": False},
        {"mean": CLIP, "std": CLIP},
    ],
    ids=str,
)
def test_pixels_are_those_of_the_processor(size: tuple[int, int], mode: dict[str, Any]) -> None:
    image = picture(*size)
    names = {"mean": "image_mean", "std": "image_std"}
    found = small(**{names.get(name, name): value for name, value in mode.items()}).prepare(image)
    expected = reference.pixel_values(np.array(image), settings(**mode))
    assert found.feeds["pixel_values"].dtype == np.float32
    np.testing.assert_array_equal(found.feeds["pixel_values"], expected)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "CMYK", "I;16"])
def test_images_of_other_modes_are_seen_as_rgb(mode: str) -> None:
    image = picture(90, 60).convert("L" if mode == "I;16" else mode).convert(mode)
    expected = reference.pixel_values(np.array(image.convert("RGB")), settings())
    np.testing.assert_array_equal(small().prepare(image).feeds["pixel_values"], expected)


def test_a_line_of_pixels_is_not_blown_up() -> None:
    """Resized as a whole it would be 378 * 378 * 60,000 pixels."""
    family = HyperClovaX({**CONFIG, "anyres": False}, {**PREPROCESSOR, "pad_to_square": False})
    assert family.prepare(Image.new("RGB", (60_000, 1))).feeds["pixel_values"].shape[0] == 1


@pytest.mark.parametrize(
    ("size", "tokens", "grids"),
    [
        ((300, 300), 171, 2),
        ((640, 480), 347, 5),
        ((1920, 1080), 675, 9),
        ((1134, 1134), 837, 10),
    ],
)
def test_known_examples(size: tuple[int, int], tokens: int, grids: int) -> None:
    prepared = HyperClovaX(CONFIG, PREPROCESSOR).prepare(Image.new("RGB", size))
    assert prepared.tokens == tokens
    assert prepared.pieces == (tokens,)
    assert prepared.feeds["pixel_values"].shape == (grids, 3, 378, 378)
    assert prepared.feeds["gather_index"].shape == (tokens,)


def sizes(count: int) -> list[tuple[int, int]]:
    """(width, height), every third of them a strip."""
    random = np.random.default_rng(7)
    found = random.integers(1, 3000, (count, 2))
    found[::3, 0] = random.integers(1, 40, len(found[::3]))
    found[1::3, 1] = random.integers(1, 40, len(found[1::3]))
    return [(int(width), int(height)) for width, height in found]


@pytest.mark.parametrize("unpad", [True, False])
@pytest.mark.parametrize("single", [True, False])
def test_rows_are_counted_and_ordered_as_by_the_reference(unpad: bool, single: bool) -> None:
    family = HyperClovaX({**CONFIG, "unpad": unpad, "use_1x1_grid": single}, PREPROCESSOR)
    possible = reference.possible_resolutions(9, 378, single)
    random = np.random.default_rng(3)
    fewest, most = family.tokens_between()
    for width, height in sizes(300):
        best = reference.select_best_resolution((height, width), possible)
        index = family._index((height, width))
        assert len(index) == reference.token_count((height, width), best, 378, 9, unpad)
        assert fewest <= len(index) <= most
        grids = 1 + (best[0] // 378) * (best[1] // 378)
        features = random.standard_normal((grids, 81, 5)).astype(np.float32)
        newline = random.standard_normal(5).astype(np.float32)
        expected = reference.reshape_and_unpad(features, newline, (width, height), best, 378, unpad)
        rows = np.concatenate([features.reshape(-1, 5), newline[None]])
        np.testing.assert_array_equal(rows[index], expected)


def test_the_extremes_are_those_of_an_image() -> None:
    family = HyperClovaX(CONFIG, PREPROCESSOR)
    counts = [len(family._index((height, width))) for width, height in [*sizes(3000), (378, 3402)]]
    assert family.tokens_between()[1] == max(counts) == 891
    assert family.tokens_between()[0] <= min(counts)


def test_the_files_own_resolutions_come_before_the_model_s() -> None:
    listed = {**PREPROCESSOR, "possible_resolutions": [[378, 756], [756, 378]]}
    prepared = HyperClovaX(CONFIG, listed).prepare(Image.new("RGB", (1134, 1134)))
    assert prepared.feeds["pixel_values"].shape[0] == 3


@pytest.mark.parametrize(("most", "grids"), [(9, 10), (4, 5), (2, 2), (1, 2)])
def test_fewer_grids_can_be_asked_for(most: int, grids: int) -> None:
    family = HyperClovaX(CONFIG, PREPROCESSOR, max_grids=most)
    prepared = family.prepare(Image.new("RGB", (1134, 1134)))
    assert prepared.feeds["pixel_values"].shape[0] == grids


def test_the_smallest_canvas_stays_when_none_is_small_enough() -> None:
    family = HyperClovaX({**CONFIG, "use_1x1_grid": False}, PREPROCESSOR, max_grids=1)
    prepared = family.prepare(Image.new("RGB", (400, 400)))
    assert prepared.feeds["pixel_values"].shape[0] == 3


def test_both_generations_of_the_configuration_are_the_same() -> None:
    renewed = {key: value for key, value in CONFIG.items() if "num_queries" not in key}
    renewed |= {"num_queries_vis_abstractor_image": 81, "num_queries_vis_abstractor_video_fast": 9}
    image = Image.new("RGB", (640, 480))
    assert HyperClovaX(renewed, PREPROCESSOR).prepare(image).tokens == 347


def test_without_queries_there_is_a_row_for_each_patch() -> None:
    config = {**CONFIG, "mm_projector_type": "linear", "num_queries_vis_abstractor": -1}
    config["anyres"] = False
    assert HyperClovaX(config, PREPROCESSOR).prepare(Image.new("RGB", (64, 20))).tokens == 729


@pytest.mark.parametrize(
    ("config", "preprocessor"),
    [
        ({"vision_config": {}}, {}),
        ({"num_queries_vis_abstractor": 80}, {}),
        ({"max_num_grids": -1}, {}),
        ({}, {"possible_resolutions": [[100, 378]]}),
        ({}, {"possible_resolutions": [[0, 378]]}),
        ({}, {"size": {"shortest_edge": 336}}),
        ({}, {"image_mean": [0.5, 0.5]}),
        ({}, {"resample": 99}),
        ({}, {"do_normalize": False}),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(config: dict[str, Any], preprocessor: dict[str, Any]) -> None:
    changed = {**CONFIG, **config}
    if config == {"vision_config": {}}:
        changed["num_queries_vis_abstractor"] = -1
    with pytest.raises(LoadError) as caught:
        HyperClovaX(changed, {**PREPROCESSOR, **preprocessor})
    assert caught.value.text == "vision_config_unknown"
