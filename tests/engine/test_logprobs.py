"""Log probabilities on their way: from the stand-in through the scheduler and over the wire."""

import math

import msgspec

from app.domain.generation import Finished, GenerationRequest, Token
from app.domain.messages import Message
from app.domain.options import GenerationOptions
from app.engine import wire
from app.engine.backends.scripted import ScriptedBackend
from app.engine.kv.keeper import Keeper
from app.engine.scheduler import Scheduler
from app.engine.spec import EngineSpec


async def answered(logprobs: int | None) -> list[Token]:
    """The tokens of one generation, as a worker receives them."""
    spec = EngineSpec(backend="scripted", directory="", id="scripted", path="")
    options = GenerationOptions(logprobs=logprobs)
    request = GenerationRequest((Message("user", "둘 and 셋"),), options, client="c")
    asked = wire.commands.decode(wire.encode(wire.Submit(1, request))[4:])
    assert asked == wire.Submit(1, request)
    backend = ScriptedBackend(spec)
    scheduler = Scheduler(backend, Keeper(backend, None, None), 4, None)
    tokens = []
    async for event in scheduler.run(request):
        report = wire.reports.decode(wire.encode(wire.Event(1, event))[4:])
        assert isinstance(report, wire.Event)
        assert report.event == event
        if isinstance(event, Token):
            tokens.append(event)
        if isinstance(event, Finished):
            assert len(tokens) == event.usage.completion_tokens
    return tokens


async def test_a_record_travels_with_each_token() -> None:
    for token in await answered(2):
        (record,) = token.logprobs
        assert record.bytes == token.text.encode()
        assert record.logprob == -math.log(2)
        assert record.top[0].token == record.token
        assert [each.logprob for each in record.top] == [-math.log(2), -2 * math.log(2)]


async def test_the_chosen_token_alone_can_be_asked_about() -> None:
    assert all(
        len(token.logprobs) == 1 and not token.logprobs[0].top for token in await answered(0)
    )


async def test_frames_without_records_are_as_short_as_ever() -> None:
    for token in await answered(None):
        assert token.logprobs == ()
        assert b"logprobs" not in msgspec.msgpack.encode(token)
