"""What an API worker and the engine process say to each other over the UNIX socket.

A frame is a 4-byte big-endian length and that many bytes of MessagePack. No text of a client
is ever more than a value in here.
"""

import struct
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from app.domain.errors import SllmError
from app.domain.generation import GenerationEvent, GenerationRequest
from app.domain.messages import Message
from app.domain.model_info import ModelInfo

MAX_FRAME_BYTES = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class Submit(Struct, frozen=True, tag="submit"):
    """Generate; every answer to it carries the same `id`, which the worker chose."""

    id: int
    request: GenerationRequest


class Cancel(Struct, frozen=True, tag="cancel"):
    """Nobody waits for `id` any more, wherever it is: queue, prefill or decode."""

    id: int


class Count(Struct, frozen=True, tag="count"):
    """Count the tokens of a plain text, or of messages as the model's template renders them."""

    id: int
    text: str | None = None
    messages: tuple[Message, ...] = ()


class Forget(Struct, frozen=True, tag="forget"):
    """Keep nothing computed of a conversation of `owner`'s; of all of them where it is None."""

    owner: str
    conversation: str | None = None


class Warm(Struct, frozen=True, tag="warm"):
    """What chats of everybody begin with: compute it ahead, when nothing else is to be done."""

    heads: tuple[tuple[Message, ...], ...]


class Leave(Struct, frozen=True, tag="leave"):
    """This worker ends on purpose; without it a lost worker may come back."""


Command = Submit | Cancel | Count | Forget | Warm | Leave


class Hello(Struct, frozen=True, tag="hello"):
    """The first frame on every connection: the model is loaded and this is what it is."""

    pid: int
    info: ModelInfo


class Pulse(Struct, frozen=True, tag="pulse"):
    """Sent on change and every half second: the engine's event loop is alive.

    `idle_seconds` is the time since the last token while slots are busy (0.0 when none is);
    `threads` compute on the CPU.
    """

    busy: int
    waiting: int
    limit: int
    idle_seconds: float = 0.0
    threads: int = 0


class Event(Struct, frozen=True, tag="event"):
    """One step of generation `id`."""

    id: int
    event: GenerationEvent


class Counted(Struct, frozen=True, tag="counted"):
    """The answer to `Count`, in tokens."""

    id: int
    tokens: int


class Failed(Struct, frozen=True, tag="failed"):
    """`id` ended in an error: the fields of `SllmError`."""

    id: int
    code: str
    text: str
    values: dict[str, Any] = {}
    param: str | None = None
    details: dict[str, Any] = {}
    retry_after: int | None = None


Report = Hello | Pulse | Event | Counted | Failed


def failed(request_id: int, error: SllmError) -> Failed:
    """The frame for an error that a client is told about."""
    return Failed(
        request_id,
        error.code,
        error.text,
        error.values,
        error.param,
        error.details,
        error.retry_after,
    )


def as_error(frame: Failed) -> SllmError:
    """The error that `failed` was made from."""
    return SllmError(
        frame.code,
        frame.text,
        param=frame.param,
        details=frame.details,
        retry_after=frame.retry_after,
        **frame.values,
    )


_encoder = msgspec.msgpack.Encoder()
commands = msgspec.msgpack.Decoder(Command)
reports = msgspec.msgpack.Decoder(Report)


def encode(frame: Command | Report) -> bytes:
    """One frame, ready to be written."""
    body = _encoder.encode(frame)
    return _LENGTH.pack(len(body)) + body


class FrameBuffer:
    """Cuts a byte stream into frames; raises ValueError for one above MAX_FRAME_BYTES."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while len(self._buffer) >= 4:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MAX_FRAME_BYTES:
                raise ValueError(f"frame of {length} bytes")
            if len(self._buffer) < 4 + length:
                return
            body = bytes(self._buffer[4 : 4 + length])
            del self._buffer[: 4 + length]
            yield body
