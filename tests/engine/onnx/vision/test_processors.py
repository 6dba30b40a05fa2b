"""Pixels and rows of every family, bit for bit as transformers' processors have them."""

import json

import pytest

from app.engine.onnx.vision.families import family
from app.engine.onnx.vision.idefics3 import Idefics3
from app.engine.onnx.vision.qwen_vl import QwenVl
from tests.engine.onnx.vision import processors
from tests.engine.onnx.vision.processors import COUNTED, REAL, SIZES

GOLDENS = json.loads(processors.GOLDENS.read_text())


@pytest.mark.parametrize("name", REAL)
def test_every_bit_of_the_pixels(name: str) -> None:
    made = family(processors.vision_spec(name), "tiny")
    found = []
    for image in processors.images():
        prepared = made.prepare(image)
        feeds = dict(prepared.feeds)
        if "pixel_attention_mask" in feeds:
            assert feeds["pixel_attention_mask"].all()
        found.append(processors.digest(feeds))
        fewest, most = made.tokens_between()
        assert fewest <= prepared.tokens <= most
    wrong = [
        size for size, a, b in zip(SIZES, found, GOLDENS["pixels"][name], strict=True) if a != b
    ]
    assert wrong == []


@pytest.mark.parametrize("name", COUNTED)
def test_rows_of_three_hundred_sizes(name: str) -> None:
    made = family(processors.vision_spec(name), "tiny")
    found = []
    for width, height in processors.random_sizes():
        if isinstance(made, Idefics3):
            pieces = made.pieces_for(width, height)
            found.append(sum(piece for piece in pieces if isinstance(piece, int)))
        elif isinstance(made, QwenVl):
            high, wide = made.size_for(height, width)
            found.append(high * wide // 28**2)
    assert found == GOLDENS["counts"][name]
    assert len(found) == 300


@pytest.mark.weights
@pytest.mark.parametrize("name", REAL)
def test_the_goldens_are_what_transformers_makes(name: str) -> None:
    pytest.importorskip("transformers", reason="transformers comes with the extra 'convert'")
    made = processors.processor(name)
    for image, golden in list(zip(processors.images(), GOLDENS["pixels"][name], strict=True))[::4]:
        assert processors.digest(processors.reference(made, image)) == golden
