"""Log probabilities on GGUF: llama.cpp's own, with the same meaning as ONNX's."""

import math
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest

from app.domain.logprobs import TokenLogprob
from app.domain.messages import Message
from app.domain.options import GenerationOptions, ResponseFormat
from app.engine.backends.base import Backend, BackendEvent, End, Piece
from app.engine.backends.llama import LlamaBackend
from app.engine.backends.llama_stream import follow_completion
from app.engine.backends.onnx import OnnxBackend
from app.engine.stop import StopFilter
from app.weights import ModelSpec
from tests.engine.llama_backends import attached, spec_of_llama
from tests.engine.onnx.folders import spec_of

QUESTION = "Why is the sky blue?"
QUESTIONS = (QUESTION, "Name a colour.", "안녕하세요", "What is two and two?", "Count to ten.")
TOLD = GenerationOptions(temperature=0, max_tokens=16, logprobs=3)


@pytest.fixture(scope="module")
def loaded(embedded: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> LlamaBackend:
    spec = spec_of_llama(
        embedded, tmp_path_factory.mktemp("e"), context_length=512, slots=1, threads=1
    )
    return LlamaBackend.load(spec)


@pytest.fixture
async def backend(loaded: LlamaBackend) -> AsyncIterator[LlamaBackend]:
    async with attached(loaded) as backend:
        yield backend


async def generated(
    backend: Backend, options: GenerationOptions, question: str = QUESTION
) -> list[BackendEvent]:
    prompt = await backend.prompt([Message("user", question)])
    async with aclosing(backend.generate(prompt, options, 0, False)) as events:
        return [event async for event in events]


def pieces(events: list[BackendEvent]) -> list[Piece]:
    return [event for event in events if isinstance(event, Piece)]


def records(events: list[BackendEvent]) -> list[TokenLogprob]:
    return [record for piece in pieces(events) for record in piece.logprobs]


def text_of(events: list[BackendEvent]) -> str:
    return "".join(piece.text for piece in pieces(events))


@pytest.mark.weights
async def test_top_is_ordered_and_no_more_than_certain(backend: LlamaBackend) -> None:
    told = records(await generated(backend, msgspec.structs.replace(TOLD, logprobs=20)))
    assert len(told) == 16
    for record in told:
        logprobs = [each.logprob for each in record.top]
        assert logprobs == sorted(logprobs, reverse=True)
        assert len({each.token for each in record.top}) == 20
        assert 0 < sum(map(math.exp, logprobs)) <= 1.0001
        assert record.top[0].token == record.token
        assert record.top[0].logprob == record.logprob


@pytest.mark.weights
async def test_asking_changes_nothing_else(backend: LlamaBackend) -> None:
    plain = await generated(backend, msgspec.structs.replace(TOLD, logprobs=None))
    assert records(plain) == []
    for alternatives in (0, 3):
        told = await generated(backend, msgspec.structs.replace(TOLD, logprobs=alternatives))
        assert text_of(told) == text_of(plain)
        assert [piece.tokens for piece in pieces(told)] == [p.tokens for p in pieces(plain)]
        assert all(len(record.top) == alternatives for record in records(told))


@pytest.mark.weights
async def test_stop_strings_cut_the_text_and_no_record(backend: LlamaBackend) -> None:
    whole = text_of(await generated(backend, TOLD))
    stop = whole[9:20]
    events = await generated(backend, msgspec.structs.replace(TOLD, stop=("never", stop)))
    assert text_of(events) == whole[: whole.index(stop)]
    end, told = events[-1], records(events)
    assert isinstance(end, End)
    assert end.reason == "stop"
    assert end.prompt_ms > 0
    assert len(told) == end.completion_tokens < 16
    assert stop in b"".join(record.bytes for record in told).decode()
    assert all(record.bytes == record.top[0].bytes for record in told)


@pytest.mark.weights
async def test_what_could_have_become_a_stop_string_is_let_out_at_the_end(
    backend: LlamaBackend,
) -> None:
    """llama.cpp's own stop strings lost it."""
    whole = text_of(await generated(backend, TOLD))
    for logprobs in (None, 3):
        options = msgspec.structs.replace(TOLD, stop=(whole[-3:] + "…",), logprobs=logprobs)
        events = await generated(backend, options)
        assert text_of(events) == whole
        assert isinstance(events[-1], End)
        assert events[-1].reason == "length"


@pytest.mark.weights
async def test_a_character_of_several_tokens_is_told_of_once(backend: LlamaBackend) -> None:
    korean = ResponseFormat("json_schema", {"type": "string", "pattern": "^[가-힣]{3}$"})
    events = await generated(
        backend, msgspec.structs.replace(TOLD, max_tokens=60, response_format=korean)
    )
    end = events[-1]
    assert isinstance(end, End)
    told = records(events)
    assert b"".join(record.bytes for record in told).decode() == text_of(events)
    # Two quotes, three characters, the end.
    assert len(told) == 6 < end.completion_tokens


@pytest.mark.weights
async def test_both_engines_say_the_same(
    backend: LlamaBackend, smollm2_fp32: Path, tmp_path: Path
) -> None:
    """The same weights; llama.cpp rounds what they are multiplied with to 8 bits."""
    onnx = OnnxBackend.load(spec_of(smollm2_fp32, tmp_path, slots=1))
    await onnx.open()
    options = msgspec.structs.replace(TOLD, max_tokens=1, logprobs=20)
    agreed = []
    for question in QUESTIONS:
        (theirs,) = records(await generated(backend, options, question))
        (ours,) = records(await generated(onnx, options, question))
        agreed.append(ours.token == theirs.token)
        expected = {each.token: each for each in theirs.top}
        common = [each for each in ours.top if each.token in expected]
        assert len(common) >= 15
        for each in common:
            assert each.bytes == expected[each.token].bytes
            assert each.logprob == pytest.approx(expected[each.token].logprob, abs=0.5)
    await onnx.close()
    assert sum(agreed) >= len(agreed) - 1


async def chunks(*bodies: str) -> AsyncIterator[bytes]:
    for body in bodies:
        yield body.encode()


async def test_an_impossible_token_has_a_number_that_json_can_hold() -> None:
    body = (
        '{"content":"x","tokens":[7],"completion_probabilities":'
        '[{"id":7,"token":"x","bytes":[120],"logprob":-3.4028234663852886e+38,'
        '"top_logprobs":[{"id":8,"token":"","bytes":[136],"logprob":-0.5}]}]}'
    )
    end = '{"content":"","stop":true,"stop_type":"limit","tokens_predicted":1}'
    events = [event async for event in follow_completion(chunks(body, end), StopFilter(()), 1)]
    (record,) = records(events)
    assert record.logprob == -9999.0
    assert record.top[0].bytes == b"\x88"


async def test_what_is_held_at_the_end_is_let_out() -> None:
    body = '{"content":"ab","tokens":[7]}'
    end = '{"content":"","stop":true,"stop_type":"limit","tokens_predicted":1}'
    events = [event async for event in follow_completion(chunks(body, end), StopFilter(("abc",)))]
    assert [piece.text for piece in pieces(events)] == ["", "ab"]
    assert isinstance(events[-1], End)
    assert events[-1].reason == "length"
