"""The tensors of a folder of safetensors, read one at a time: memory does not grow with them."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from app.convert.errors import ConvertError

Floats = NDArray[np.float32]
# How safetensors spells element types; NumPy has no bfloat16, whose bits are a float's upper half.
_TYPES: Final[dict[str, Any]] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": np.uint16,
}
# No header of a real checkpoint comes near.
LONGEST_HEADER: Final = 100 << 20


class Place(Struct, frozen=True):
    """Where a tensor's bytes are."""

    file: Path
    offset: int
    kind: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * int(np.dtype(_TYPES[self.kind]).itemsize)


class Checkpoint:
    """All tensors of all shards by name. Raises ConvertError for files that are damaged."""

    def __init__(self, folder: Path) -> None:
        self.places: dict[str, Place] = {}
        for file in sorted(folder.glob("*.safetensors")):
            self.places.update(_places(file))

    def __contains__(self, name: str) -> bool:
        return name in self.places

    def array(self, name: str) -> Floats:
        """One tensor in 32 bits, a copy. Raises ConvertError when there is none."""
        place = self._place(name)
        raw = np.memmap(
            place.file, _TYPES[place.kind], "r", place.offset, (math.prod(place.shape),)
        )
        if place.kind == "BF16":
            found = (raw.astype(np.uint32) << 16).view(np.float32)
        else:
            found = raw.astype(np.float32)
        return found.reshape(place.shape)

    def shape(self, name: str) -> tuple[int, ...]:
        return self._place(name).shape

    def prefixes(self, ending: str) -> list[str]:
        """What stands before `ending` in the names that have it."""
        return [name[: -len(ending)] for name in self.places if name.endswith(ending)]

    def _place(self, name: str) -> Place:
        if name not in self.places:
            raise ConvertError("convert_vision_tensor", name=name)
        return self.places[name]


class _Entry(Struct):
    """Of a safetensors header, what is said of a tensor."""

    dtype: str
    shape: tuple[Annotated[int, Meta(ge=0)], ...]
    data_offsets: tuple[Annotated[int, Meta(ge=0)], int]


def _places(file: Path) -> Iterator[tuple[str, Place]]:
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        text = opened.read(length) if length <= LONGEST_HEADER else b""
    try:
        header = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        header.pop("__metadata__", None)
        entries = {name: msgspec.json.decode(raw, type=_Entry) for name, raw in header.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConvertError("convert_vision_damaged", file=file.name) from error
    for name, entry in entries.items():
        # Tensors of other types (counters, positions) are none that a graph needs.
        if entry.dtype not in _TYPES:
            continue
        start, end = entry.data_offsets
        place = Place(file, 8 + length + start, entry.dtype, entry.shape)
        if place.bytes != end - start or place.offset + place.bytes > size:
            raise ConvertError("convert_vision_damaged", file=file.name)
        yield name, place
