"""Prompts computed piece by piece: the answers are the same, and others go on meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import cast

import pytest

from app.domain.messages import Message
from app.domain.options import GenerationOptions
from app.engine.backends.base import BackendEvent, End, Piece, Progress
from app.engine.backends.llama import LlamaBackend
from app.engine.backends.llama_client import LlamaClient
from app.engine.backends.llama_prefill import SMALLEST, TILE, Prefill
from app.weights import ModelSpec
from tests.engine.llama_backends import attached, spec_of_llama

BATCH = 128
GREEDY = GenerationOptions(temperature=0, max_tokens=8)
LONG = " ".join(f"The number {number} follows {number - 1}." for number in range(1, 61))


def prefill() -> Prefill:
    """Nothing is asked of its client."""
    return Prefill(cast(LlamaClient, None), BATCH)


def test_a_prompt_alone_is_computed_in_whole_batches() -> None:
    alone = prefill()
    alone.took(BATCH, 2.0)
    assert alone.piece() == BATCH


def test_beside_answers_a_piece_is_as_long_as_half_a_second_allows() -> None:
    beside = prefill()
    with beside.answering():
        pieces = []
        for seconds in (0.05, 0.2, 0.4, 0.9, 3.0):
            beside.took(BATCH, seconds)
            pieces.append(beside.piece())
        assert pieces == [BATCH, BATCH, BATCH, TILE, SMALLEST]
    assert beside.piece() == BATCH


def test_what_is_not_known_yet_is_taken_for_slow_and_a_few_tokens_tell_nothing() -> None:
    beside = prefill()
    with beside.answering():
        assert beside.piece() == TILE
        beside.took(3, 3.0)
        assert beside.piece() == TILE


@pytest.fixture(scope="module")
def loaded(embedded: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> LlamaBackend:
    folder: Path = tmp_path_factory.mktemp("e")
    spec = spec_of_llama(embedded, folder, context_length=2048, slots=2, threads=2, batch=BATCH)
    return LlamaBackend.load(spec)


@pytest.fixture
async def backend(loaded: LlamaBackend) -> AsyncIterator[LlamaBackend]:
    async with attached(loaded) as backend:
        yield backend


async def generated(
    backend: LlamaBackend, prompt: list[int], reuse: bool = False, held: int | None = None
) -> list[BackendEvent]:
    async with aclosing(backend.generate(prompt, GREEDY, 0, reuse, held)) as events:
        return [event async for event in events]


def text_of(events: list[BackendEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Piece))


@pytest.mark.weights
async def test_the_answer_is_that_of_the_prompt_in_one(backend: LlamaBackend) -> None:
    prompt = await backend.prompt([Message("user", LONG)])
    whole, pieces = await generated(backend, prompt), await generated(backend, prompt, held=0)
    assert text_of(pieces) == text_of(whole)
    progress = [event for event in pieces if isinstance(event, Progress)]
    assert [event.processed for event in progress][: len(prompt) // BATCH] == list(
        range(BATCH, len(prompt), BATCH)
    )
    assert {(event.total, event.cached) for event in progress} == {(len(prompt), 0)}
    end, other = pieces[-1], whole[-1]
    assert isinstance(end, End)
    assert isinstance(other, End)
    assert (end.completion_tokens, end.cached_tokens) == (other.completion_tokens, 0)


@pytest.mark.weights
async def test_what_the_slot_holds_is_not_computed_again(backend: LlamaBackend) -> None:
    first = await backend.prompt([Message("user", LONG[:400])])
    await generated(backend, first)
    longer = [*first[:-4], *(await backend.prompt([Message("user", LONG)]))[-400:]]
    held = len(first) - 4
    again = await generated(backend, longer, reuse=True, held=held)
    end = again[-1]
    assert isinstance(end, End)
    assert end.cached_tokens == held
    assert text_of(again) == text_of(await generated(backend, longer))


@pytest.mark.weights
async def test_pieces_never_overtake_each_other(backend: LlamaBackend) -> None:
    """Else the slot would hold less than the prompt afterwards."""
    for number in range(8):
        prompt = await backend.prompt([Message("user", f"{number} {LONG[: 500 + 60 * number]}")])
        await generated(backend, prompt, held=0)
        end = (await generated(backend, prompt, reuse=True, held=len(prompt)))[-1]
        assert isinstance(end, End)
        assert end.cached_tokens == len(prompt) - 1


@pytest.mark.weights
async def test_a_stream_gets_a_token_for_every_piece(backend: LlamaBackend) -> None:
    endless = GenerationOptions(temperature=0, max_tokens=900)
    asked = await backend.prompt([Message("user", "Count from one to one thousand.")])
    prompt = await backend.prompt([Message("user", LONG)])
    tokens, answered = 0, asyncio.Event()

    async def stream() -> None:
        nonlocal tokens
        async with aclosing(backend.generate(asked, endless, 1, False, 0)) as events:
            async for event in events:
                if isinstance(event, Piece):
                    tokens += 1
                    answered.set()

    streaming = asyncio.create_task(stream())
    await answered.wait()
    before = tokens
    answer = await generated(backend, prompt, held=0)
    assert tokens - before >= len(prompt) // BATCH
    progress = [event.processed for event in answer if isinstance(event, Progress)]
    assert progress[0] == TILE  # nothing was known of its pace, or that it is slow
    streaming.cancel()
    await asyncio.gather(streaming, return_exceptions=True)


@pytest.mark.weights
async def test_who_leaves_in_the_middle_leaves_the_slot_to_the_next(backend: LlamaBackend) -> None:
    prompt = await backend.prompt([Message("user", LONG)])
    async with aclosing(backend.generate(prompt, GREEDY, 0, False, 0)) as events:
        assert isinstance(await anext(events), Progress)
    short = await backend.prompt([Message("user", "Hi")])
    assert text_of(await generated(backend, short, held=0)) == text_of(
        await generated(backend, short)
    )
