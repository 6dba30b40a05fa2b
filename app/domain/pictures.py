"""What makes two pictures the same: their size and their pixels."""

import hashlib
import struct

_SIZE = struct.Struct(">II")


def pixels_digest(width: int, height: int, rgb: bytes) -> str:
    """SHA-256 in hexadecimal of the size (two 32-bit numbers, the high byte first) and then the
    pixels, row by row, three bytes each."""
    digest = hashlib.sha256(_SIZE.pack(width, height))
    digest.update(rgb)
    return digest.hexdigest()
