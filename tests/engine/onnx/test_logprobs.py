"""Log probabilities on ONNX: what the graph says, whatever is done with it afterwards."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from app.domain.logprobs import LOWEST_LOGPROB, TokenLogprob
from app.domain.messages import Message
from app.domain.options import GenerationOptions, ResponseFormat
from app.engine.backends.base import BackendEvent, Piece
from app.engine.backends.onnx import OnnxBackend
from app.engine.onnx.logprobs import Observed
from tests.engine.onnx.folders import ask, end_of, run, spec_of, text_of, tokens_of

QUESTION = "Why is the sky blue?"
TOLD = GenerationOptions(temperature=0, max_tokens=16, logprobs=3)


def records(events: list[BackendEvent]) -> list[TokenLogprob]:
    return [record for event in events if isinstance(event, Piece) for record in event.logprobs]


def test_a_record_is_the_log_softmax_of_the_logits() -> None:
    logits = np.array([0.5, 3.0, -1.0, 3.0, -np.inf, -2e4], np.float32)
    observed = Observed(logits)
    logits[:] = 0  # what a sampler may do with them
    record = observed.told(0, 4, lambda token: b"abcdef"[token : token + 1])
    expected = np.log(np.exp([0.5, 3, -1, 3]) / np.exp([0.5, 3, -1, 3]).sum())
    assert (record.token, record.bytes) == (0, b"a")
    assert record.logprob == pytest.approx(expected[0])
    assert [each.token for each in record.top] == [1, 3, 0, 2]
    assert [each.logprob for each in record.top] == pytest.approx(expected[[1, 3, 0, 2]])
    for excluded in (4, 5):
        assert observed.told(excluded, 0, lambda _: b"").logprob == LOWEST_LOGPROB


def test_more_alternatives_than_tokens_are_all_of_them() -> None:
    observed = Observed(np.zeros(3, np.float32))
    assert len(observed.told(1, 20, lambda _: b"").top) == 3


@pytest.mark.weights
async def test_records_are_those_of_the_session_run_directly(
    smollm2_fp32: Path, tmp_path: Path
) -> None:
    """The whole text at once through the graph, against the records of token after token."""
    backend = OnnxBackend.load(spec_of(smollm2_fp32, tmp_path, slots=1))
    await backend.open()
    prompt = await backend.prompt([Message("user", QUESTION)])
    events = await run(backend, prompt, TOLD)
    await backend.close()
    told, tokens = records(events), tokens_of(events)
    assert [record.token for record in told] == tokens
    for at, record in enumerate(told):
        text = np.array([prompt + tokens[:at]])
        logits = backend._batch._graph.run(0, text, [0])[0].astype(np.float64)
        softmax = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        assert record.logprob == pytest.approx(softmax[record.token], abs=1e-3)
        assert record.top[0].token == record.token
        assert [each.logprob for each in record.top] == pytest.approx(
            np.sort(softmax)[::-1][:3], abs=1e-3
        )


@pytest.mark.weights
async def test_options_and_schemas_do_not_change_what_the_model_says(backend: OnnxBackend) -> None:
    prompt = await backend.prompt([Message("user", QUESTION)])
    plain = records(await run(backend, prompt, TOLD))[0]
    schema = ResponseFormat("json_schema", {"enum": ["red"]})
    for changed in (
        msgspec.structs.replace(TOLD, temperature=2.0, top_k=1, repeat_penalty=2.0),
        msgspec.structs.replace(TOLD, presence_penalty=2.0, frequency_penalty=2.0),
        msgspec.structs.replace(TOLD, response_format=schema),
    ):
        events = await run(backend, prompt, changed)
        told = records(events)
        assert told[0].top == plain.top
        assert len(told) == end_of(events).completion_tokens
    forced = told[0]
    assert forced.bytes == b'"'
    assert forced.token not in [each.token for each in forced.top]
    assert forced.logprob < forced.top[-1].logprob


@pytest.mark.weights
async def test_every_token_is_told_once_whatever_the_text_does(backend: OnnxBackend) -> None:
    """Held for a stop string, cut by one, in the middle of a character, and at the end."""
    whole = text_of(await ask(backend, QUESTION, TOLD))
    korean = ResponseFormat("json_schema", {"type": "string", "pattern": "^[가-힣]{3}$"})
    for options in (
        msgspec.structs.replace(TOLD, stop=(whole[:12] + "never",)),
        msgspec.structs.replace(TOLD, stop=(whole[9:20],)),
        msgspec.structs.replace(TOLD, max_tokens=60, response_format=korean),
        msgspec.structs.replace(TOLD, logprobs=0),
    ):
        events = await ask(backend, QUESTION, options)
        told = records(events)
        assert [record.token for record in told] == tokens_of(events)
        assert len(told) == end_of(events).completion_tokens
        written = b"".join(record.bytes for record in told).decode()
        assert written.startswith(text_of(events))
        assert all(len(record.top) == options.logprobs for record in told)
    assert written == whole


@pytest.mark.weights
async def test_nothing_is_told_unasked(backend: OnnxBackend) -> None:
    assert records(await ask(backend, QUESTION)) == []
