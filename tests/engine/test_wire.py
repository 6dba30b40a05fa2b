"""Frames on the socket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import SllmError
from app.engine import wire


@given(st.lists(st.binary(max_size=50), max_size=6), st.integers(1, 9))
def test_frames_survive_any_cutting(bodies: list[bytes], step: int) -> None:
    stream = b"".join(len(body).to_bytes(4, "big") + body for body in bodies)
    buffer = wire.FrameBuffer()
    got = [
        body for at in range(0, len(stream), step) for body in buffer.feed(stream[at : at + step])
    ]
    assert got == bodies


def test_a_frame_above_the_limit_is_refused_by_its_length_alone() -> None:
    with pytest.raises(ValueError, match="frame"):
        list(wire.FrameBuffer().feed((wire.MAX_FRAME_BYTES + 1).to_bytes(4, "big")))


def test_an_error_arrives_as_it_was() -> None:
    error = SllmError(
        "overloaded", "rate_limited", param="message", details={"n": 1}, retry_after=3, limit=9
    )
    frame = wire.reports.decode(wire.encode(wire.failed(4, error))[4:])
    assert isinstance(frame, wire.Failed)
    back = wire.as_error(frame)
    assert (back.code, back.text, back.param) == ("overloaded", "rate_limited", "message")
    assert (back.details, back.retry_after, back.values) == ({"n": 1}, 3, {"limit": 9})


def test_text_arrives_whole() -> None:
    frame = wire.Count(1, text="안녕 👨‍👩‍👧 \u2028\x00")
    assert wire.commands.decode(wire.encode(frame)[4:]) == frame
