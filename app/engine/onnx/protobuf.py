"""Protocol Buffers' wire format, as much of it as changing a graph needs (onnx.proto 3)."""

from collections.abc import Iterator
from typing import Final, NamedTuple

_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_FIXED32: Final = 5


class Field(NamedTuple):
    """A field of a message: its number, where it begins and ends (`start`, `stop`, its key
    included), and where its content does (`begin`; empty for numbers)."""

    number: int
    start: int
    begin: int
    stop: int


def fields(data: memoryview, start: int, stop: int) -> Iterator[Field]:
    """The fields of the message in data[start:stop]. Raises ValueError for what is none."""
    at = start
    while at < stop:
        key, begin = _varint(data, at)
        kind = key & 7
        if kind == _BYTES:
            length, begin = _varint(data, begin)
            end = begin + length
        elif kind == _VARINT:
            _, end = _varint(data, begin)
            begin = end
        elif kind in (_FIXED64, _FIXED32):
            end = begin = begin + (8 if kind == _FIXED64 else 4)
        else:
            raise ValueError("not a protobuf message")
        if end > stop:
            raise ValueError("a protobuf message is cut")
        yield Field(key >> 3, at, begin, end)
        at = end


def text(data: memoryview, field: Field) -> str:
    """Raises UnicodeDecodeError, a ValueError."""
    return bytes(data[field.begin : field.stop]).decode()


def message(number: int, content: bytes) -> bytes:
    """Field `number` holding bytes, a text or a message."""
    return _key(number, _BYTES) + _number(len(content)) + content


def integer(number: int, value: int) -> bytes:
    """Field `number` holding a number from 0 on."""
    return _key(number, _VARINT) + _number(value)


def _key(number: int, kind: int) -> bytes:
    return _number(number << 3 | kind)


def _number(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        if at + index >= len(data):
            break
        byte = data[at + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    raise ValueError("a protobuf message is cut")
