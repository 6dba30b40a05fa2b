"""Drafts on llama.cpp: quotations take fewer runs of the model, and all else stays as it was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec
import pytest

from app.domain.errors import SllmError
from app.domain.messages import Message
from app.domain.options import GenerationOptions, ResponseFormat
from app.engine.backends.base import End, Piece
from app.engine.backends.llama import LlamaBackend
from app.engine.backends.llama_request import completion_body
from app.engine.spec import EngineSpec
from app.weights import ModelSpec
from tests.engine.llama_backends import attached, spec_of_llama

pytestmark = pytest.mark.weights
TEXT = (
    "The library opens at nine in the morning and closes at six in the evening. On Saturdays it "
    "opens at ten. Books may be kept for four weeks and renewed twice."
)
QUESTION = f"Repeat this text exactly, word for word:\n\n{TEXT}"
GREEDY = GenerationOptions(temperature=0, max_tokens=40)


@pytest.fixture(scope="module")
def spec(embedded: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> EngineSpec:
    return spec_of_llama(
        embedded,
        tmp_path_factory.mktemp("e"),
        context_length=512,
        slots=4,
        batch=16,
        threads=1,
        speculation="ngram",
    )


@pytest.fixture(scope="module")
def loaded(spec: EngineSpec) -> LlamaBackend:
    return LlamaBackend.load(spec)


@pytest.fixture
async def backend(loaded: LlamaBackend) -> AsyncIterator[LlamaBackend]:
    async with attached(loaded) as backend:
        yield backend


async def answer(
    backend: LlamaBackend, text: str, options: GenerationOptions, slot: int = 0
) -> tuple[str, list[int], End]:
    prompt = await backend.prompt([Message("user", text)])
    said, tokens = "", list[int]()
    async with aclosing(backend.generate(prompt, options, slot, False)) as events:
        async for event in events:
            if isinstance(event, Piece):
                said += event.text
                tokens += event.tokens
            elif isinstance(event, End):
                return said, tokens, event
    raise AssertionError("an answer without an end")


async def test_a_quotation_is_drafted(backend: LlamaBackend) -> None:
    prompt = await backend.prompt([Message("user", QUESTION)])
    body = completion_body(prompt, GREEDY, 0, False)
    async with backend._client.stream("/completion", body) as chunks:
        last = [msgspec.json.decode(chunk) async for chunk in chunks][-1]
    assert last["timings"]["draft_n_accepted"] > 0


async def test_every_token_is_told_and_counted(backend: LlamaBackend) -> None:
    for most in (1, 2, 23):
        options = msgspec.structs.replace(GREEDY, max_tokens=most)
        _, tokens, end = await answer(backend, QUESTION, options)
        assert (len(tokens), end.completion_tokens, end.reason) == (most, most, "length")


async def test_all_slots_may_draft_at_once(backend: LlamaBackend) -> None:
    """Their drafts are more tokens than a batch of a prompt has here."""
    answers = await asyncio.gather(*(answer(backend, QUESTION, GREEDY, slot) for slot in range(4)))
    assert [said[:11] for said, _, _ in answers] == [TEXT[:11]] * 4


async def test_a_seed_repeats(backend: LlamaBackend) -> None:
    seeded = GenerationOptions(temperature=1, max_tokens=40, seed=7)
    first = await answer(backend, QUESTION, seeded)
    assert (await answer(backend, QUESTION, seeded))[1] == first[1]


async def test_a_schema_is_kept(backend: LlamaBackend) -> None:
    schema = {
        "type": "object",
        "properties": {"opens": {"type": "string", "maxLength": 40}},
        "required": ["opens"],
        "additionalProperties": False,
    }
    wanted = ResponseFormat(type="json_schema", schema=schema)
    options = GenerationOptions(temperature=0, max_tokens=120, response_format=wanted)
    said, _, end = await answer(backend, f"When does it open?\n\n{TEXT}", options)
    assert end.reason == "stop"
    assert set(msgspec.json.decode(said)) == {"opens"}


async def test_leaving_in_the_middle_of_drafts_leaves_nothing_behind(
    backend: LlamaBackend,
) -> None:
    whole = await answer(backend, QUESTION, GREEDY)
    prompt = await backend.prompt([Message("user", QUESTION)])
    async with aclosing(backend.generate(prompt, GREEDY, 0, False)) as events:
        async for event in events:
            if isinstance(event, Piece):
                break
    assert (await answer(backend, QUESTION, GREEDY))[1] == whole[1]


async def test_what_the_server_cannot_tell_of_drafts_is_refused(backend: LlamaBackend) -> None:
    with pytest.raises(SllmError) as refused:
        await answer(backend, QUESTION, msgspec.structs.replace(GREEDY, logprobs=1))
    assert (refused.value.code, refused.value.param) == ("unsupported_by_engine", "logprobs")


def test_the_model_s_settings_show_it(loaded: LlamaBackend) -> None:
    assert loaded.info.settings["speculation"] == "ngram"
