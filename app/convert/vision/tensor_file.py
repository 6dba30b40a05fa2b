"""Writes a safetensors file tensor by tensor: what is copied is never in memory as a whole."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from app.convert.errors import ConvertError
from app.convert.graph_file import PIECE
from app.convert.vision.checkpoint import Place
from app.weights.task import Task


class Entry(Struct, frozen=True):
    """A tensor under its new name, and where its bytes are now."""

    name: str
    place: Place
    # Of 32 bits on the way to 8 or 4, 16 lose nothing that would be left.
    narrow: bool = False

    @property
    def kind(self) -> str:
        return "F16" if self.narrow and self.place.kind == "F32" else self.place.kind

    @property
    def bytes(self) -> int:
        return self.place.bytes // (2 if self.kind != self.place.kind else 1)


def copy_tensors(entries: Sequence[Entry], path: Path, task: Task) -> None:
    """Write `path` with these tensors. Raises CancelledError; ConvertError for values that 16
    bits cannot hold."""
    total = sum(entry.bytes for entry in entries)
    done = 0
    with path.open("wb") as file:
        file.write(_header(entries))
        for entry in entries:
            for piece in _pieces(entry):
                task.check()
                file.write(piece)
                done += len(piece)
            task.progress.advance("weights", done, total)


def _header(entries: Sequence[Entry]) -> bytes:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for entry in entries:
        shape, end = list(entry.place.shape), offset + entry.bytes
        header[entry.name] = {"dtype": entry.kind, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _pieces(entry: Entry) -> Iterator[bytes]:
    place = entry.place
    with place.file.open("rb") as file:
        file.seek(place.offset)
        left = place.bytes
        while left > 0 and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield _narrowed(entry, piece) if entry.kind != place.kind else piece


def _narrowed(entry: Entry, piece: bytes) -> bytes:
    with np.errstate(over="ignore"):
        half = np.frombuffer(piece, np.float32).astype(np.float16)
    if not np.isfinite(half).all():
        raise ConvertError("convert_vision_range", name=entry.name)
    return half.tobytes()
