"""Tiny checkpoints of families whose layers see through windows, converted in 32 bits and run by
the engine: greedy tokens are those of `transformers`, on prompts longer than a window.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.convert import conversion
from app.convert.source import find_source
from app.domain.options import GenerationOptions
from app.engine.backends.onnx import OnnxBackend
from app.weights.task import Task
from tests.convert.checkpoints import SLIDING, SPECIAL, write_checkpoint
from tests.converted import require_extra
from tests.engine.onnx.folders import end_of, run, spec_of, tokens_of

# The libraries that build graphs warn of their own use of each other.
pytestmark = [pytest.mark.weights, pytest.mark.filterwarnings("ignore")]
FAMILIES = ("gemma", "gemma2", "gemma3_text", "mistral")
WINDOW: int = SLIDING["sliding_window"]
NEW = 40
# Tokens that write something; the checkpoint's vocabulary has a few more.
FIRST, LAST = len(SPECIAL), 250


@dataclass
class Pair:
    """The source's folder, and its graph in the engine."""

    source: Path
    engine: OnnxBackend

    @cached_property
    def model(self) -> Any:
        import torch
        from transformers import AutoModelForCausalLM

        read: Any = AutoModelForCausalLM.from_pretrained(str(self.source), dtype=torch.float32)
        return read.eval()

    def expected(self, prompt: list[int]) -> list[int]:
        """What `transformers` goes on with, until an end token, as the engine tells it."""
        import torch

        ids = torch.tensor([prompt])
        with torch.inference_mode():
            found = self.model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=NEW
            )
        answer: list[int] = found[0, len(prompt) :].tolist()
        return answer

    async def answer(self, prompt: list[int], slot: int = 0, reuse: bool = False) -> Any:
        options = GenerationOptions(temperature=0, max_tokens=NEW)
        return await run(self.engine, prompt, options, slot, reuse)


@pytest.fixture(scope="module", params=FAMILIES)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    require_extra()
    folder = tmp_path_factory.mktemp(request.param)
    # Weights ten times as large as they begin in training: tokens that tell each other apart.
    source = write_checkpoint(folder / "source", request.param, initializer_range=0.2)
    conversion.convert(find_source(str(source), folder, Task()), folder / "out", "fp32", Task())
    return Pair(source, OnnxBackend.load(spec_of(folder / "out", folder, context_length=512)))


@pytest.fixture
async def pair(loaded: Pair) -> AsyncIterator[Pair]:
    await loaded.engine.open()
    yield loaded
    await loaded.engine.close()


def prompt_of(length: int, seed: int = 0) -> list[int]:
    random = np.random.default_rng([seed, length])
    return [int(token) for token in random.integers(FIRST, LAST, length)]


async def test_a_prompt_longer_than_the_window(pair: Pair) -> None:
    prompt = prompt_of(4 * WINDOW)
    assert tokens_of(await pair.answer(prompt)) == pair.expected(prompt)


async def test_rows_on_either_side_of_the_window(pair: Pair) -> None:
    """At once; some reach it while they decode."""
    prompts = [prompt_of(length) for length in (8, WINDOW - 1, WINDOW + 1, 5 * WINDOW)]
    found = await asyncio.gather(
        *(pair.answer(prompt, slot) for slot, prompt in enumerate(prompts))
    )
    assert [tokens_of(each) for each in found] == [pair.expected(prompt) for prompt in prompts]


async def test_the_next_turn_and_one_that_goes_back(pair: Pair) -> None:
    """Back to before what a window keeps: a cache of the window's size would have lost it."""
    prompt = prompt_of(3 * WINDOW)
    first = tokens_of(await pair.answer(prompt))
    for kept, more in ((prompt + first[:-1], prompt_of(20)), (prompt[:WINDOW], prompt_of(50))):
        found = await pair.answer(kept + more, reuse=True)
        assert end_of(found).cached_tokens >= len(kept)
        assert tokens_of(found) == pair.expected(kept + more)
