"""Greedy token ids: against transformers', in company, after a cache, and once more."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from app.domain.messages import Message
from tests.conformance.columns import (
    QWEN,
    SMOLLM2,
    Answer,
    AnyBackend,
    Column,
    asked,
    common,
    continued,
    differences,
    first_difference,
)
from tests.conformance.conftest import Tell

pytestmark = pytest.mark.weights
ROOT = Path(__file__).parents[1]
# Made by `python -m tests.conformance.references`.
REFERENCES = {
    SMOLLM2: ROOT / "engine" / "onnx" / "greedy_smollm2.json",
    QWEN: ROOT / "conformance" / "greedy_qwen.json",
}
QUESTIONS = (
    "Why is the sky blue?",
    "Write a Python function that reverses a list.",
    "Name three colours and say what each of them stands for.",
    "Tell me about the city of Seoul. " * 6,
)
LENGTHS = (28, 8, 20, 24)


def references(entry: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(REFERENCES[entry].read_text(encoding="utf-8"))
    return found


def until_end(ids: list[int], tokenizer: Any) -> list[int]:
    """An answer ends with the first end token, which transformers was told to go beyond."""
    end = tokenizer.eos_token_id
    return ids[: ids.index(end) + 1] if end in ids else ids


def leading(answer: Answer, expected: list[int], tokenizer: Any) -> int:
    """How many tokens of `expected` the answer begins with; by its text where llama.cpp does
    not tell all of its ids."""
    if answer.complete:
        return common(answer.ids, expected)
    counts = range(len(expected), -1, -1)
    texts = {
        count: tokenizer.decode(expected[:count], skip_special_tokens=True).rstrip("\ufffd")
        for count in counts
    }
    return next(count for count in counts if answer.text.startswith(texts[count]))


async def test_greedy_tokens_of_transformers(
    column: Column, backend: AnyBackend, reference: Any, tell: Tell
) -> None:
    """Leading tokens equal to transformers' own on the dequantised weights, for three questions;
    all of them in 32 bits."""
    cells = []
    for known in references(column.entry):
        assert await backend.prompt([Message("user", known["question"])]) == known["prompt"]
        expected = until_end(known["answer"], reference)
        answer = await continued(backend, known["prompt"], max_tokens=len(expected))
        equal = leading(answer, expected, reference)
        cells.append(f"{equal}/{len(expected)}")
        assert not column.exact or answer.ids == tuple(expected)
    tell(" ".join(cells))


async def test_greedy_again(backend: AnyBackend) -> None:
    """The same question, with nothing kept, has the same answer."""
    answers = [await asked(backend, QUESTIONS[0], max_tokens=16) for _ in range(2)]
    assert first_difference(*answers) is None


async def test_greedy_in_company(column: Column, backend: AnyBackend, tell: Tell) -> None:
    """Four answers at once are those that each question has alone; where they part is told, in
    tokens, for quantised weights."""
    wanted = list(zip(QUESTIONS, LENGTHS, strict=True))
    alone = [await asked(backend, text, max_tokens=length) for text, length in wanted]
    together = await asyncio.gather(
        *(asked(backend, text, slot, max_tokens=n) for slot, (text, n) in enumerate(wanted))
    )
    cell = differences(list(zip(alone, together, strict=True)))
    assert not column.exact or cell == "the same"
    tell(cell)


async def test_greedy_after_a_cache(column: Column, backend: AnyBackend, tell: Tell) -> None:
    """A prompt whose beginning is in the cache has the answer that it has without."""
    pairs = []
    for question in QUESTIONS[:3]:
        prompt = await backend.prompt([Message("user", question)])
        first = await continued(backend, prompt, max_tokens=12)
        again = await continued(backend, prompt, reuse=True, max_tokens=12)
        assert again.end.cached_tokens > 0
        pairs.append((first, again))
    cell = differences(pairs)
    assert not column.exact or cell == "the same"
    tell(cell)
