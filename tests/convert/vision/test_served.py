"""A converted HyperCLOVA X Vision as users start it: found, planned, asked through the engine."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.config import Settings
from app.domain.messages import Message, Picture
from app.domain.options import GenerationOptions
from app.engine.backends.onnx import OnnxBackend
from app.weights.task import Task
from tests.convert.vision.test_hyperclovax import COUNT, converted, picture, prepared
from tests.converted import require_extra
from tests.engine.onnx.folders import run, tokens_of

__all__ = ["converted"]
plans = pytest.importorskip("app.provider.vision_plan", reason="comes with the ONNX engine")
pytestmark = [pytest.mark.weights, pytest.mark.filterwarnings("ignore")]
GREEDY = GenerationOptions(temperature=0, max_tokens=COUNT)
OPENING, VECTOR = "<|im_start|>user (vector)\n", "<|im_end|>\n<|im_start|>user\n"
QUESTION = "무엇인가요?"


@pytest.fixture(scope="module", autouse=True)
def _extra() -> None:
    require_extra()


def stored(folder: Path, image: Image.Image) -> Picture:
    digest = hashlib.sha256(image.tobytes()).hexdigest()
    path = folder / f"{digest}.png"
    image.save(path)
    return Picture(str(path), digest, image.width, image.height)


def expected(model: Any, folder: Path, image: Image.Image) -> list[int]:
    """The prompt as the template has it, its ids, and torch's answer."""
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    before, after = (
        list(tokenizer.encode(text, add_special_tokens=False).ids)
        for text in (OPENING, f"{VECTOR}{QUESTION}<|im_end|>\n<|im_start|>assistant\n")
    )
    feeds = prepared(folder, image).feeds
    rows = model.rows(torch.from_numpy(feeds["pixel_values"]))
    features = rows[torch.from_numpy(feeds["gather_index"])]
    answer: list[int] = model.greedy(before, features, after, COUNT)
    return answer


async def test_answers_are_torch_s(converted: tuple[int, Path, Any], tmp_path: Path) -> None:
    _, folder, model = converted
    settings = Settings(data_dir=tmp_path, context_length=512, parallel_slots=2, use_gpu="false")
    spec = plans.vision_spec(str(folder / "out"), tmp_path, settings, Task())
    assert spec.architecture == "hyperclovax_vlm"
    assert (spec.vision.image_size, spec.vision.patch_size) == (42, 6)
    backend = OnnxBackend.load(spec)
    backend._end_tokens = frozenset()
    await backend.open()
    try:
        for seed in (5, 6):
            image = picture(seed)
            message = Message("user", QUESTION, (stored(tmp_path, image),))
            prompt = await backend.prompt([message])
            assert sum(token < 0 for token in prompt) == prepared(folder / "out", image).tokens
            answer = tokens_of(await run(backend, prompt, GREEDY))
            assert answer == expected(model, folder / "out", image)
            assert len(answer) == COUNT
    finally:
        await backend.close()
