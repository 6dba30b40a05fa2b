"""The helper process, `python -m app.images.helper FOLDER MOST_PIXELS`: decodes one image after
another under limits and leaves each as a PNG in FOLDER. Whatever happens in here, the server
lives.

A request on standard input is a line of JSON (`size`, `format`, `name`) and that many bytes; the
answer on standard output is a line of JSON: `width`, `height` and `sha256`, or `refused`.
"""

import errno
import json
import os
import resource
import sys
from pathlib import Path
from typing import IO, Any

from PIL import Image

from app.domain.pictures import pixels_digest
from app.images.pixels import Refused, decoded

BASE_BYTES = 512 * 1024 * 1024
# A pixel may stand in memory as four bytes, several times.
BYTES_PER_PIXEL = 24
CPU_SECONDS = 20
FULL = (
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.ENOENT, errno.EACCES, errno.EPERM,
)  # fmt: skip


def limit(most_pixels: int) -> None:
    """For the whole life of this process."""
    memory = BASE_BYTES + BYTES_PER_PIXEL * most_pixels
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    written = BASE_BYTES + 4 * most_pixels
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_time() -> None:
    """For the next image: the soft limit counts what was used before."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + CPU_SECONDS
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def answer(request: dict[str, Any], data: bytes, folder: Path, most_pixels: int) -> dict[str, Any]:
    """What became of one image."""
    try:
        image = decoded(data, request["format"], most_pixels)
        digest = pixels_digest(image.width, image.height, image.tobytes())
        save(image, folder / request["name"])
    except Refused as refusal:
        return {"refused": str(refusal)}
    except MemoryError:
        return {"refused": "invalid_image"}
    except OSError as error:
        if error.errno not in FULL:
            raise
        (folder / request["name"]).unlink(missing_ok=True)
        return {"refused": "storage_full"}
    return {"width": image.width, "height": image.height, "sha256": digest}


def save(image: Image.Image, path: Path) -> None:
    """Pixels and nothing else, on disk when this returns."""
    bare = Image.frombytes("RGB", image.size, image.tobytes())
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as out:
        bare.save(out, "PNG", compress_level=3)
        out.flush()
        os.fsync(out.fileno())


def serve(source: IO[bytes], sink: IO[bytes], folder: Path, most_pixels: int) -> None:
    """Until the server closes `source`."""
    while line := source.readline():
        request = json.loads(line)
        limit_time()
        outcome = answer(request, source.read(request["size"]), folder, most_pixels)
        sink.write(json.dumps(outcome).encode() + b"\n")
        sink.flush()


if __name__ == "__main__":
    Image.init()
    pixels = int(sys.argv[2])
    limit(pixels)
    serve(sys.stdin.buffer, sys.stdout.buffer, Path(sys.argv[1]), pixels)
