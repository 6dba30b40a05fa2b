"""Reading the primitive values of a GGUF file from a descriptor, never trusting a length.

Raises WeightsError for everything that is not as the format has it; knows no keys.
"""

import os
import struct
from typing import Final

from msgspec import Struct

from app.weights.errors import WeightsError

WINDOW: Final = 1 << 18
# Vocabulary and merges of the largest models in use take about 20 MB.
MAX_HEADER: Final = 64 << 20
# Longer strings (chat templates) and arrays (vocabularies) are passed over.
MAX_KEPT_STRING: Final = 1 << 12
MAX_KEPT_ITEMS: Final = 256

_FORMATS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?"} | {
    10: "Q",
    11: "q",
    12: "d",
}
SCALARS: Final = {number: struct.Struct("<" + code) for number, code in _FORMATS.items()}
STRING: Final = 8
ARRAY: Final = 9
_LENGTH: Final = struct.Struct("<Q")


class Skipped(Struct, frozen=True):
    """A string or array that was too long to keep; `length` in bytes or items."""

    length: int


Scalar = bool | int | float | str | Skipped
Value = Scalar | list[Scalar]


class GgufReader:
    """A window over the file that moves forward. `name` is the base name for messages."""

    def __init__(self, file: int, size: int, name: str) -> None:
        self._file, self._size, self.name = file, size, name
        self._window = b""
        self._base = self._offset = 0

    @property
    def position(self) -> int:
        return self._base + self._offset

    def damaged(self, what: str, value: object) -> WeightsError:
        """The error for a header value that no such file has."""
        text = f"{what} = {str(value)[:40]}"
        shown = "".join(letter if letter.isprintable() else "?" for letter in text)
        return WeightsError("weights_absurd_header", file=self.name, what=shown)

    def seek(self, position: int) -> None:
        """Back to a place that was read before."""
        self._base, self._offset, self._window = position, 0, b""

    def unsigned32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def unsigned64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def take(self, count: int) -> bytes:
        """The next `count` bytes. What is longer than the header may be is refused unread."""
        if self._offset + count > len(self._window):
            self._refill(count)
        start = self._offset
        self._offset += count
        return self._window[start : self._offset]

    def string(self, what: str, limit: int) -> str:
        length = self.unsigned64()
        if length > limit:
            raise self.damaged(f"length of {what}", length)
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: int, what: str) -> Value:
        """A metadata value of type `kind`; long ones come back as `Skipped`."""
        if kind == ARRAY:
            return self._array(what)
        return self._scalar(kind, what)

    def _scalar(self, kind: int, what: str) -> Scalar:
        if kind == STRING:
            return self._string_or_skip(what)
        if kind not in SCALARS:
            raise self.damaged(f"type of {what}", kind)
        layout = SCALARS[kind]
        found: bool | int | float = layout.unpack(self.take(layout.size))[0]
        return found

    def _string_or_skip(self, what: str) -> str | Skipped:
        length = self.unsigned64()
        if length <= MAX_KEPT_STRING:
            return self.take(length).decode("utf-8", "replace")
        self._skip(length, what)
        return Skipped(length)

    def _array(self, what: str) -> list[Scalar] | Skipped:
        kind, count = self.unsigned32(), self.unsigned64()
        if kind != STRING and kind not in SCALARS:
            raise self.damaged(f"item type of {what}", kind)
        if count <= MAX_KEPT_ITEMS:
            return [self._scalar(kind, what) for _ in range(count)]
        if kind == STRING:
            self.skip_strings(count, what)
        else:
            self._skip(count * SCALARS[kind].size, what)
        return Skipped(count)

    def _skip(self, count: int, what: str) -> None:
        if count > MAX_HEADER:
            raise self.damaged(f"length of {what}", count)
        self._move(self.position + count)

    def skip_strings(self, count: int, what: str) -> None:
        """A tight loop, since vocabularies have hundreds of thousands of strings."""
        if count > MAX_HEADER // _LENGTH.size:
            raise self.damaged(f"length of {what}", count)
        unpack = _LENGTH.unpack_from
        while count:
            if self._offset + 8 > len(self._window):
                self._refill(8)
            window, offset = self._window, self._offset
            last = len(window) - 8
            while count and offset <= last:
                offset += 8 + unpack(window, offset)[0]
                count -= 1
            if offset > MAX_HEADER:
                raise self.damaged(f"item of {what}", offset)
            self._move(self._base + offset)

    def _move(self, position: int) -> None:
        """Go on at `position` of the file, in the window or beyond it."""
        if position > min(self._size, MAX_HEADER):
            self._end_of_file(position)
        if position <= self._base + len(self._window):
            self._offset = position - self._base
        else:
            self._base, self._offset, self._window = position, 0, b""

    def _refill(self, count: int) -> None:
        position = self.position
        if position + count > min(self._size, MAX_HEADER):
            self._end_of_file(position + count)
        self._window = os.pread(self._file, max(count, WINDOW), position)
        self._base, self._offset = position, 0
        if len(self._window) < count:  # it shrank since its size was asked
            self._end_of_file(position + count)

    def _end_of_file(self, position: int) -> None:
        if position > MAX_HEADER:
            raise self.damaged("header length", position)
        raise WeightsError("weights_truncated_header", file=self.name)
