"""Image files, good and bad, made as tests need them."""

import base64
import io
import random
import struct
import zlib
from typing import Any

from PIL import Image

RED, WHITE = (255, 0, 0), (255, 255, 255)


def encoded(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def plain(width: int = 40, height: int = 20, colour: Any = RED, format_: str = "PNG") -> bytes:
    return encoded(Image.new("RGB", (width, height), colour), format_)


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int, data: bytes = b"", depth: int = 8, kind: int = 2) -> bytes:
    """A PNG that claims this size, whatever its data is."""
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = (
        chunk(b"IHDR", head) + chunk(b"IDAT", data or zlib.compress(b"\0")) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def bomb(side: int) -> bytes:
    """Grey, one bit a pixel: a few kilobytes for many megabytes of pixels."""
    rows = zlib.compressobj(9)
    row = b"\0" * (1 + (side + 7) // 8)
    packed = b"".join(rows.compress(row) for _ in range(side)) + rows.flush()
    return png_header(side, side, packed, depth=1, kind=0)


def noise(side: int, format_: str, size: int) -> bytes:
    """Pixels that do not compress, in a well-formed file of exactly `size` bytes."""
    image = Image.frombytes("RGB", (side, side), random.Random(side).randbytes(3 * side * side))
    if format_ == "PNG":
        data = encoded(image, compress_level=0)
        rest = size - len(data) - 12
        return data[:-12] + chunk(b"prVt", bytes(rest)) + data[-12:]
    data = encoded(image, "JPEG", quality=100, subsampling=0)
    rest = size - len(data)
    count = 1 + rest // 60_000
    lengths = [rest // count + (place < rest % count) for place in range(count)]
    comments = [b"\xff\xfe" + struct.pack(">H", n - 2) + bytes(n - 4) for n in lengths]
    return data[:2] + b"".join(comments) + data[2:]


def corner(orientation: int) -> bytes:
    """A JPEG of 40 by 20 as a camera writes it, red in one corner; seen upright it is the same
    picture whatever the orientation: 40 by 20 with the upper left red."""
    upright = Image.new("RGB", (40, 20), WHITE)
    upright.paste(RED, (0, 0, 16, 8))
    turns = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    turn = turns[orientation]
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a secret place"
    return encoded(stored, "PNG", exif=exif)


def animation(format_: str, frames: int = 3) -> bytes:
    """The first frame is red, all others are blue."""
    pictures = [Image.new("RGB", (40, 20), RED if n == 0 else "blue") for n in range(frames)]
    return encoded(pictures[0], format_, save_all=True, append_images=pictures[1:])
