"""What slots keep between turns, and how a generation is left: in queue, prefill and decode."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from app.domain.messages import Message
from app.domain.options import GenerationOptions
from app.engine.backends.base import BackendDied, Piece, Progress
from app.engine.backends.onnx import OnnxBackend
from app.engine.onnx.session import ERRORS
from tests.engine.onnx.folders import GREEDY, ask, end_of, run, spec_of, text_of, tokens_of

pytestmark = pytest.mark.weights
LONG = GenerationOptions(temperature=0, max_tokens=600)


async def test_the_next_turn_computes_only_what_is_new(backend: OnnxBackend) -> None:
    turn = [Message("user", "Tell me about Seoul. " * 20)]
    prompt = await backend.prompt(turn)
    first = await run(backend, prompt, slot=2)
    # The answer is cut in the middle of its text, so its tokens are taken as they came.
    again = prompt + tokens_of(first)[:-1]
    more = await backend.tokens("And Busan?")
    second = await run(backend, again + more, slot=2, reuse=True)
    assert end_of(second).cached_tokens == len(again)
    processed = [event.processed for event in second if isinstance(event, Progress)]
    assert processed[0] == len(again)
    assert processed[-1] == len(again) + len(more)


async def test_the_same_question_again_has_the_same_answer(backend: OnnxBackend) -> None:
    first = await ask(backend, "Tell me about Seoul. " * 20, slot=1)
    again = await ask(backend, "Tell me about Seoul. " * 20, slot=1, reuse=True)
    assert end_of(again).cached_tokens > 80
    assert tokens_of(again) == tokens_of(first)


async def test_what_another_owner_left_is_not_used(backend: OnnxBackend) -> None:
    first = await ask(backend, "secret " * 100, slot=1)
    fresh = await ask(backend, "secret " * 100, slot=1, reuse=False)
    assert end_of(fresh).cached_tokens == 0
    assert tokens_of(fresh) == tokens_of(first)


async def test_a_shorter_prompt_sees_nothing_of_what_was_there(backend: OnnxBackend) -> None:
    alone = tokens_of(await ask(backend, "Name a colour.", slot=3))
    await ask(backend, "noise " * 300, slot=3)
    assert tokens_of(await ask(backend, "Name a colour.", slot=3)) == alone


async def test_leaving_while_decoding_frees_the_slot_and_hurts_nobody(
    backend: OnnxBackend,
) -> None:
    alone = tokens_of(await ask(backend, "Why is the sky blue?"))
    neighbour = asyncio.create_task(ask(backend, "Why is the sky blue?", slot=1))
    prompt = await backend.prompt([Message("user", "Count to one thousand.")])
    async with aclosing(backend.generate(prompt, LONG, 0, False)) as events:
        seen = 0
        async for event in events:
            seen += isinstance(event, Piece)
            if seen == 5:
                break
    newcomer = await ask(backend, "Why is the sky blue?", slot=0)
    assert tokens_of(newcomer) == alone
    assert tokens_of(await neighbour) == alone


async def test_leaving_while_prefilling_stops_after_a_chunk(backend: OnnxBackend) -> None:
    prompt = await backend.prompt([Message("user", "number " * 800)])
    async with aclosing(backend.generate(prompt, GREEDY, 0, False)) as events:
        async for event in events:
            assert isinstance(event, Progress)
            if event.processed:
                break
    # What is sent after the leaving is done after it.
    await ask(backend, "Hi", slot=1)
    kept = backend._batch._slots.length(0)
    assert 0 < kept < len(prompt)
    resumed = await run(backend, prompt, slot=0, reuse=True)
    assert end_of(resumed).cached_tokens == kept


async def test_leaving_before_the_first_step_computes_nothing(backend: OnnxBackend) -> None:
    prompt = await backend.prompt([Message("user", "number " * 800)])
    tasks = [asyncio.create_task(run(backend, prompt, GREEDY, slot)) for slot in (1, 2)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    gone = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(error, asyncio.CancelledError) for error in gone)
    assert end_of(await ask(backend, "Hi", slot=1)).completion_tokens > 0


async def test_a_window_can_be_filled_to_the_last_token(smollm2_int8: Path, tmp_path: Path) -> None:
    backend = OnnxBackend.load(spec_of(smollm2_int8, tmp_path, context_length=64, slots=2))
    await backend.open()
    prompt = [100 + number for number in range(60)]
    backend._end_tokens = frozenset()
    for slot in (0, 1):
        options = GenerationOptions(temperature=0, max_tokens=4)
        events = await run(backend, prompt, options, slot)
        assert end_of(events).completion_tokens == 4
    await backend.close()


async def test_a_run_that_fails_ends_every_generation(smollm2_int8: Path, tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise ERRORS[0]("out of memory")

    backend = OnnxBackend.load(spec_of(smollm2_int8, tmp_path))
    await backend.open()
    running = asyncio.create_task(ask(backend, "Count to one thousand.", LONG))
    async with aclosing(
        backend.generate(await backend.prompt([Message("user", "Hi")]), LONG, 1, False)
    ) as events:
        async for _ in events:
            break
        backend._batch._graph.run = broken  # type: ignore[method-assign,assignment]
        with pytest.raises(BackendDied):
            async for _ in events:
                pass
    with pytest.raises(BackendDied):
        await running
    with pytest.raises(BackendDied):
        await ask(backend, "Hi", slot=2)
    await backend.close()


async def test_rows_keep_their_place_whoever_leaves(backend: OnnxBackend) -> None:
    """Answers of every length at once: rows move when one in the middle ends."""
    lengths = [3, 30, 7, 18]
    alone = [text_of(await ask(backend, f"Tell me about {n}.", options_of(n))) for n in lengths]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        mixed = await asyncio.gather(
            *(
                ask(backend, f"Tell me about {lengths[n]}.", options_of(lengths[n]), slot)
                for slot, n in enumerate(order)
            )
        )
        assert [text_of(events) for events in mixed] == [alone[n] for n in order]


def options_of(length: int) -> GenerationOptions:
    return GenerationOptions(temperature=0, max_tokens=length)
