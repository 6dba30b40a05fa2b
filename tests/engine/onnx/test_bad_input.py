"""Requests that no validation has seen, straight to the backend: a wrong one fails alone, and the
others in the batch go on.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from app.domain.errors import SllmError
from app.domain.messages import Message
from app.domain.options import GenerationOptions, ResponseFormat
from app.engine.backends.onnx import OnnxBackend
from tests.engine.onnx.folders import end_of, run, text_of, tokens_of
from tests.torture.cases import BAD_SCHEMAS

pytest.importorskip("onnx", reason="onnx, which writes the graphs, comes with the extra 'convert'")
from tests.engine.onnx.tiny_folder import VOCABULARY, spec_of_tiny, write_tiny

# Numbers beyond all sense overflow, which NumPy says on standard error.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
WINDOW = 96
SHORT = GenerationOptions(max_tokens=6, seed=1)
NEIGHBOUR = GenerationOptions(temperature=0, max_tokens=20)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> OnnxBackend:
    folder = write_tiny(tmp_path_factory.mktemp("tiny"))
    spec = spec_of_tiny(folder, tmp_path_factory.mktemp("e"), context_length=WINDOW, slots=3)
    return OnnxBackend.load(spec)


@pytest.fixture
async def backend(small: OnnxBackend) -> AsyncIterator[OnnxBackend]:
    await small.open()
    yield small
    await small.close()


@pytest.fixture
async def question(backend: OnnxBackend) -> list[int]:
    return await backend.prompt([Message("user", "Name a colour.")])


async def beside(
    backend: OnnxBackend, question: list[int], prompt: list[int], options: GenerationOptions
) -> Any:
    """What becomes of a request, in the company of one that must not notice, and before one."""
    alone = tokens_of(await run(backend, question, NEIGHBOUR))
    neighbour = asyncio.create_task(run(backend, question, NEIGHBOUR, 1))
    (outcome,) = await asyncio.gather(run(backend, prompt, options, 2), return_exceptions=True)
    assert tokens_of(await neighbour) == alone
    assert tokens_of(await run(backend, question, NEIGHBOUR, 2)) == alone
    return outcome


@pytest.mark.parametrize("length", [1, 2, WINDOW - 1, WINDOW])
@pytest.mark.parametrize("max_tokens", [0, 1, 3, 10**18])
async def test_a_window_is_never_left(
    backend: OnnxBackend, question: list[int], length: int, max_tokens: int
) -> None:
    backend._end_tokens = frozenset()
    options = GenerationOptions(temperature=0, max_tokens=max_tokens)
    outcome = await beside(backend, question, [100] * length, options)
    # The first token comes with the prompt, and the last one needs no room.
    expected = min(max(1, max_tokens), WINDOW - length + 1)
    assert end_of(outcome).completion_tokens == expected
    assert end_of(outcome).reason == "length"


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ([100] * (WINDOW + 1), "context_length_exceeded"),
        ([100] * (10 * WINDOW), "context_length_exceeded"),
        ([], "invalid_parameter"),
        ([100, -1], "invalid_parameter"),
        ([VOCABULARY], "invalid_parameter"),
        ([2**40, 5], "invalid_parameter"),
        ([2**70], "invalid_parameter"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_a_prompt_that_no_run_may_see_is_refused(
    backend: OnnxBackend, question: list[int], prompt: list[int], code: str
) -> None:
    outcome = await beside(backend, question, prompt, SHORT)
    assert isinstance(outcome, SllmError)
    assert outcome.code == code


ODD_OPTIONS: dict[str, dict[str, Any]] = {
    "no heat": {"temperature": 5e-324},
    "little heat": {"temperature": 1e-30},
    "much heat": {"temperature": 1e308},
    "tiny top_p": {"top_p": 5e-324, "top_k": 0},
    "all of min_p": {"min_p": 1.0},
    "tiny min_p": {"min_p": 5e-324, "top_k": 0, "top_p": 1.0},
    "one": {"top_k": 1},
    "large top_k": {"top_k": 2**40},
    "first seed": {"seed": 0},
    "last seed": {"seed": 2**32 - 1},
    "large seed": {"seed": 2**64},
    "highest allowed": {
        "repeat_penalty": 2.0,
        "presence_penalty": 2.0,
        "frequency_penalty": 2.0,
        "temperature": 2.0,
    },
    "lowest allowed": {
        "repeat_penalty": 0.5,
        "presence_penalty": -2.0,
        "frequency_penalty": -2.0,
        "temperature": 2.0,
    },
    "eight long stops": {"stop": tuple("a" * 255 + str(number) for number in range(8))},
    "stops that begin with everything": {"stop": tuple(f"{c}\0" for c in "aeinortT")},
    "alternatives": {"logprobs": 10**9},
}


@pytest.mark.parametrize("name", ODD_OPTIONS)
async def test_odd_options_are_served(backend: OnnxBackend, question: list[int], name: str) -> None:
    options = msgspec.structs.replace(SHORT, **ODD_OPTIONS[name])
    assert end_of(await beside(backend, question, question, options)).completion_tokens <= 6


async def test_a_stop_that_comes_with_the_first_token_ends_it(
    backend: OnnxBackend, question: list[int]
) -> None:
    form = ResponseFormat("json_schema", {"type": "string"})
    stops = ('"', '""', '"' + "a" * 255, "a", "b", "c", "d", "e")
    options = msgspec.structs.replace(SHORT, stop=stops, response_format=form)
    outcome = await beside(backend, question, question, options)
    assert (end_of(outcome).reason, end_of(outcome).completion_tokens) == ("stop", 1)
    assert text_of(outcome) == ""


IMPOSSIBLE_OPTIONS: dict[str, dict[str, Any]] = {
    "infinite heat": {"temperature": float("inf")},
    "no number": {"temperature": float("nan")},
    "nobody": {"top_p": float("nan")},
    "repeat without end": {"repeat_penalty": 1e308},
    "repeat by nothing": {"repeat_penalty": 0.0},
    "penalties": {"presence_penalty": 1e308, "frequency_penalty": -1e308},
    "infinite penalties": {"frequency_penalty": float("-inf")},
    "negative top_k": {"top_k": -(2**31)},
    "negative min_p": {"min_p": -1.0},
    "negative seed": {"seed": -1},
    "negative alternatives": {"logprobs": -7},
    "negative length": {"max_tokens": -1},
}


@pytest.mark.parametrize("name", IMPOSSIBLE_OPTIONS)
async def test_impossible_options_fail_alone_if_they_fail(
    backend: OnnxBackend, question: list[int], name: str
) -> None:
    options = msgspec.structs.replace(SHORT, **IMPOSSIBLE_OPTIONS[name])
    outcome = await beside(backend, question, question, options)
    if isinstance(outcome, Exception):
        assert isinstance(outcome, SllmError | ValueError)
    else:
        assert end_of(outcome).completion_tokens <= 6


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


BOMBS = BAD_SCHEMAS | {
    "many optional": {"properties": {f"p{number}": {"type": "string"} for number in range(3_000)}},
    "depth 200": nested(200),
    "depth 100,000": nested(100_000),
    "states": {"type": "string", "pattern": "^(.*a.{16}b|.*c.{16}d|.*e.{16}f)$"},
    "items": {"type": "array", "items": {"enum": list(range(500))}, "minItems": 2**20},
    "grammar": {"%llguidance": {}},
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_schema_that_is_a_bomb_hurts_nobody_else(
    backend: OnnxBackend, question: list[int], name: str
) -> None:
    """The API refuses these; here they reach the guide."""
    form = ResponseFormat("json_schema", BOMBS[name])
    outcome = await beside(
        backend, question, question, msgspec.structs.replace(SHORT, response_format=form)
    )
    if isinstance(outcome, Exception):
        assert isinstance(outcome, SllmError)
        assert outcome.code == "invalid_parameter"
    else:
        assert end_of(outcome).completion_tokens <= 6
