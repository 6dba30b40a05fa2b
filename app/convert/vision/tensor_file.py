"""Writes a safetensors file tensor by tensor: what is copied is never in memory as a whole."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from app.convert.graph_file import PIECE
from app.convert.vision.checkpoint import Place
from app.weights.task import Task


class Entry(Struct, frozen=True):
    """A tensor under its new name, and where its bytes are now."""

    name: str
    place: Place


def copy_tensors(entries: Sequence[Entry], path: Path, task: Task) -> None:
    """Write `path` with these tensors as they are. Raises CancelledError."""
    total = sum(entry.place.bytes for entry in entries)
    done = 0
    with path.open("wb") as file:
        file.write(_header(entries))
        for entry in entries:
            for piece in _pieces(entry.place):
                task.check()
                file.write(piece)
                done += len(piece)
            task.progress.advance("weights", done, total)


def _header(entries: Sequence[Entry]) -> bytes:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for entry in entries:
        place, end = entry.place, offset + entry.place.bytes
        shape = list(place.shape)
        header[entry.name] = {"dtype": place.kind, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _pieces(place: Place) -> Iterator[bytes]:
    with place.file.open("rb") as file:
        file.seek(place.offset)
        left = place.bytes
        while left > 0 and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
