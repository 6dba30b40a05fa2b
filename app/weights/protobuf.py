"""Walking the protobuf encoding of a file from a descriptor, never trusting a length.

Finds where fields begin and end; knows no messages. Raises WeightsError for what cannot be.
"""

import os
from collections.abc import Iterator
from typing import Final

from app.weights.errors import WeightsError

WINDOW: Final = 1 << 18
# The graphs of the largest models in use have about 300,000 fields.
MAX_FIELDS: Final = 4_000_000
MAX_TEXT: Final = 1 << 12
MAX_PACKED: Final = 64
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED: Final = {FIXED64: 8, FIXED32: 4}

# Number of the field, and either (value, -1) of an integer or (start, stop) of what is longer.
Field = tuple[int, int, int]


class ProtobufReader:
    """A window over the file that follows the reading. `name` is the base name for messages."""

    def __init__(self, file: int, size: int, name: str) -> None:
        self._file, self.size, self.name = file, size, name
        self._window = b""
        self._base = 0
        self._fields = 0

    def damaged(self, what: str, value: object) -> WeightsError:
        """The error for a value that no such file has."""
        text = f"{what} = {str(value)[:40]}"
        shown = "".join(letter if letter.isprintable() else "?" for letter in text)
        return WeightsError("weights_absurd_header", file=self.name, what=shown)

    def fields(self, start: int, stop: int) -> Iterator[Field]:
        """The fields of the message in these bytes; fixed-width numbers are passed over."""
        position = start
        while position < stop:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise self.damaged("number of fields", self._fields)
            key, position = self._varint(position, stop)
            number, kind = key >> 3, key & 7
            if number == 0:
                raise self.damaged("field number", 0)
            if kind == VARINT:
                value, position = self._varint(position, stop)
                yield number, value, -1
            elif kind == BYTES:
                length, position = self._varint(position, stop)
                self._within(position + length, stop)
                yield number, position, position + length
                position += length
            else:
                position = self._after_fixed(kind, position, stop)

    def text(self, start: int, stop: int) -> str:
        """Bytes as UTF-8; what is too long to be a name is an error."""
        if not 0 <= stop - start <= MAX_TEXT:
            raise self.damaged("length of a name", stop - start)
        return self._bytes(start, stop - start).decode("utf-8", "replace")

    def integers(self, value: int, stop: int) -> list[int]:
        """A repeated integer field, packed or one at a time."""
        if stop < 0:
            return [value]
        found, position = [], value
        while position < stop:
            number, position = self._varint(position, stop)
            found.append(number)
            if len(found) > MAX_PACKED:
                raise self.damaged("number of dimensions", len(found))
        return found

    def _after_fixed(self, kind: int, position: int, stop: int) -> int:
        if kind not in _FIXED:
            raise self.damaged("wire type", kind)
        self._within(position + _FIXED[kind], stop)
        return position + _FIXED[kind]

    def _within(self, position: int, stop: int) -> None:
        if position <= stop:
            return
        if stop == self.size:
            raise WeightsError("weights_truncated", file=self.name, **self._missing(position))
        raise self.damaged("length of a field", position - stop)

    def _missing(self, position: int) -> dict[str, int]:
        return {"missing": position - self.size, "needed": position}

    def _varint(self, position: int, stop: int) -> tuple[int, int]:
        value = shift = 0
        offset = position - self._base
        if not 0 <= offset <= len(self._window) - 10:
            self._fill(position)
            offset = 0
        window = self._window
        for index in range(offset, min(offset + 10, len(window))):
            byte = window[index]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self._within(self._base + index + 1, stop)
                return value, self._base + index + 1
            shift += 7
        if self._base + len(window) >= self.size:
            raise WeightsError("weights_truncated", file=self.name, **self._missing(self.size + 1))
        raise self.damaged("length of a number", 10)

    def _bytes(self, position: int, count: int) -> bytes:
        offset = position - self._base
        if not 0 <= offset <= len(self._window) - count:
            self._fill(position)
            offset = 0
        found = self._window[offset : offset + count]
        if len(found) < count:  # it shrank since its size was asked
            missing = self._missing(position + count)
            raise WeightsError("weights_truncated", file=self.name, **missing)
        return found

    def _fill(self, position: int) -> None:
        self._window = os.pread(self._file, WINDOW, position)
        self._base = position
