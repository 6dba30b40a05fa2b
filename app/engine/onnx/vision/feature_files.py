"""Feature rows of images on disk, by the picture's key: private, whole or not there at all.

A folder for each encoder, so that another file or other settings never find these rows.
"""

import hashlib
import os
import re
import struct
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.engine.feature_folder import SUFFIX

Array = np.ndarray[Any, Any]
# Magic, rows, width, sha256 of the rows' bytes (float32, little endian).
_HEADER: Final = struct.Struct("<8sII32s")
_MAGIC: Final = b"SLLMFEA1"
_KEY: Final = re.compile(r"[0-9a-f]{64}(-[0-9a-f]{16})?")
# What all images of one encoder may take; those that were used longest ago go first.
MOST_BYTES: Final = 2 << 30


class FeatureFiles:
    """Never raises: a disk that fails costs time, not answers."""

    def __init__(self, folder: Path, identity: str, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder / identity[:32]
        self._most_bytes = most_bytes
        for made in (folder, self._folder):
            with suppress(OSError):
                made.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self, key: str) -> Array | None:
        """The rows [rows, width], None where they are not there or damaged."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        rows = _decoded(content)
        if rows is None:
            path.unlink(missing_ok=True)
        return rows

    def write(self, key: str, rows: Array) -> None:
        body = np.ascontiguousarray(rows, "<f4").tobytes()
        head = _HEADER.pack(_MAGIC, *rows.shape, hashlib.sha256(body).digest())
        with suppress(OSError):
            self._make_room(len(head) + len(body))
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                try:
                    file.write(head + body)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).replace(self._path(key))
                except OSError:
                    Path(file.name).unlink(missing_ok=True)

    def _make_room(self, needed: int) -> None:
        """Raises OSError."""
        facts = {path: path.stat() for path in self._folder.iterdir()}
        used = sum(each.st_size for each in facts.values())
        for path in sorted(facts, key=lambda path: facts[path].st_mtime_ns):
            if used + needed <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            used -= facts[path].st_size

    def _path(self, key: str) -> Path:
        assert _KEY.fullmatch(key)
        return self._folder / (key + SUFFIX)


def _decoded(content: bytes) -> Array | None:
    if len(content) < _HEADER.size:
        return None
    magic, rows, width, digest = _HEADER.unpack_from(content)
    body = content[_HEADER.size :]
    if magic != _MAGIC or len(body) != rows * width * 4:
        return None
    if hashlib.sha256(body).digest() != digest:
        return None
    return np.frombuffer(body, "<f4").reshape(rows, width)


def identity(files: list[Path], facts: str) -> str:
    """What makes rows the same: the encoder's files (names, sizes, times) and `facts`, the
    settings of the preparation. Raises OSError."""
    digest = hashlib.sha256(facts.encode())
    for path in sorted(files):
        found = path.stat()
        digest.update(f"\n{path.name} {found.st_size} {found.st_mtime_ns}".encode())
    return digest.hexdigest()
