"""Generations on real weights: the right tokens, alone and in company, and every option."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from app.domain.messages import Message
from app.domain.options import GenerationOptions, ResponseFormat
from app.engine.backends.base import Piece
from app.engine.backends.onnx import OnnxBackend
from tests.engine.onnx.folders import GREEDY, ask, end_of, run, spec_of, text_of, tokens_of

pytestmark = pytest.mark.weights
QUESTIONS = (
    "Why is the sky blue?",
    "Name three colours.",
    "안녕하세요, 자기소개를 해 주세요.",
    "Write a haiku about 🎉 rain.",
    "Count to ten.",
    "What is two and two?",
    "Tell me about Seoul. " * 12,
    "hello " * 90,
)


async def test_greedy_goes_on_as_transformers_does(smollm2_fp32: Path, tmp_path: Path) -> None:
    """64 of 64 tokens; the references are transformers' own, from the same 32-bit weights."""
    references = json.loads(Path(__file__).with_name("greedy_smollm2.json").read_text())
    spec = spec_of(smollm2_fp32, tmp_path, slots=1)
    assert spec.onnx is not None
    backend = OnnxBackend.load(spec)
    backend._end_tokens = frozenset()
    await backend.open()
    options = GenerationOptions(temperature=0, max_tokens=64)
    for reference in references:
        prompt = await backend.prompt([Message("user", reference["question"])])
        assert prompt == reference["prompt"]
        assert tokens_of(await run(backend, prompt, options)) == reference["answer"]
    await backend.close()


@pytest.mark.parametrize("weights", ["smollm2_int8", "smollm2_fp32", "qwen_int8"])
async def test_company_changes_nothing(
    weights: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Eight answers one after another and all at once, joining and leaving: token for token."""
    folder: Path = request.getfixturevalue(weights)
    backend = OnnxBackend.load(spec_of(folder, tmp_path, slots=8, context_length=512))
    await backend.open()
    lengths = [24, 3, 17, 24, 9, 24, 12, 20]
    options = [GenerationOptions(temperature=0, max_tokens=length) for length in lengths]
    asked = list(zip(QUESTIONS, options, strict=True))
    alone = [await ask(backend, text, wanted) for text, wanted in asked]
    together = await asyncio.gather(
        *(ask(backend, text, wanted, slot) for slot, (text, wanted) in enumerate(asked))
    )
    assert list(map(tokens_of, together)) == list(map(tokens_of, alone))
    await backend.close()


async def test_a_seed_repeats_in_any_company(backend: OnnxBackend) -> None:
    options = GenerationOptions(temperature=1.5, max_tokens=20, seed=11)
    other = GenerationOptions(temperature=1.5, max_tokens=20, seed=12)
    alone = text_of(await ask(backend, "Tell a story.", options))
    mixed = await asyncio.gather(
        ask(backend, "Tell a story.", other, 0),
        ask(backend, "Tell a story.", options, 1),
        ask(backend, "Anything else?", GREEDY, 2),
    )
    assert text_of(mixed[1]) == alone
    assert text_of(mixed[0]) != alone


async def test_every_token_is_counted_and_the_end_has_a_reason(backend: OnnxBackend) -> None:
    events = await ask(backend, "Count to one hundred.")
    assert (end_of(events).reason, end_of(events).completion_tokens) == ("length", 24)
    assert len(tokens_of(events)) == 24
    short = await ask(backend, "What is 2+2?", GenerationOptions(temperature=0, max_tokens=100))
    assert end_of(short).reason == "stop"
    assert len(tokens_of(short)) == end_of(short).completion_tokens < 100
    assert "<|im_end|>" not in text_of(short)


async def test_a_stop_string_across_tokens_ends_it(backend: OnnxBackend) -> None:
    whole = text_of(await ask(backend, "Why is the sky blue?"))
    stop = whole[20:33]
    options = GenerationOptions(temperature=0, max_tokens=24, stop=("never", stop))
    events = await ask(backend, "Why is the sky blue?", options)
    assert text_of(events) == whole[: whole.index(stop)]
    assert end_of(events).reason == "stop"
    almost = GenerationOptions(temperature=0, max_tokens=24, stop=(whole[-3:] + "…",))
    assert text_of(await ask(backend, "Why is the sky blue?", almost)) == whole


async def test_characters_arrive_whole(backend: OnnxBackend) -> None:
    """SmolLM2 writes a Korean syllable in two or three tokens."""
    korean = {"type": "string", "pattern": "^[가-힣]{8}$"}
    options = GenerationOptions(
        temperature=0, max_tokens=100, response_format=ResponseFormat("json_schema", korean)
    )
    events = await ask(backend, "안녕하세요", options)
    pieces = [event.text for event in events if isinstance(event, Piece)]
    assert len(json.loads("".join(pieces))) == 8
    assert len(tokens_of(events)) > 16
    assert not any("\ufffd" in piece for piece in pieces)


async def test_a_penalty_changes_the_answer(backend: OnnxBackend) -> None:
    plain = text_of(await ask(backend, "Write a haiku about 🎉 rain."))
    for name in ("repeat_penalty", "presence_penalty", "frequency_penalty"):
        options = msgspec.structs.replace(GREEDY, **{name: 2.0})
        assert text_of(await ask(backend, "Write a haiku about 🎉 rain.", options)) != plain


SCHEMAS = (
    {
        "type": "object",
        "properties": {"age": {"type": "integer"}, "ok": {"type": "boolean"}},
        "required": ["age", "ok"],
        "additionalProperties": False,
    },
    {"enum": ["red", "green", "blue"]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3},
    {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{2}$"},
    {
        "type": "object",
        "properties": {"이름": {"type": "string", "maxLength": 5}},
        "required": ["이름"],
        "additionalProperties": False,
    },
)


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
async def test_a_schema_is_kept(backend: OnnxBackend, schema: dict[str, object]) -> None:
    for temperature in (0.0, 2.0):
        options = GenerationOptions(
            temperature=temperature,
            max_tokens=120,
            seed=3,
            response_format=ResponseFormat("json_schema", schema),
        )
        events = await ask(backend, "Give me data.", options)
        assert end_of(events).reason == "stop"
        keeps(json.loads(text_of(events)), schema)


def keeps(answer: object, schema: dict[str, object]) -> None:
    """The few keywords above."""
    if "enum" in schema:
        assert answer in ("red", "green", "blue")
    elif schema["type"] == "array":
        assert isinstance(answer, list)
        assert 2 <= len(answer) <= 3
        assert all(isinstance(item, int) for item in answer)
    elif schema["type"] == "string":
        assert isinstance(answer, str)
        assert answer[:3].isupper()
        assert answer[3] == "-"
        assert answer[4:].isdigit()
    else:
        assert isinstance(answer, dict)
        properties = schema["properties"]
        assert isinstance(properties, dict)
        assert set(answer) == set(properties)


async def test_any_object_is_an_object(backend: OnnxBackend) -> None:
    options = GenerationOptions(
        temperature=0, max_tokens=400, response_format=ResponseFormat("json_object")
    )
    events = await ask(backend, "Name and age of Bob, who is 7, as JSON.", options)
    assert text_of(events).startswith("{")
    if end_of(events).reason == "stop":
        assert isinstance(json.loads(text_of(events)), dict)
