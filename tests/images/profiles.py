"""Colour profiles built by hand, and by how they are defined: what a colour in them is in sRGB."""

import struct
from itertools import product

import numpy as np

Matrix = tuple[tuple[float, float, float], ...]
Colour = tuple[int, ...]
# The primaries' XYZ under D50, red, green and blue.
DISPLAY_P3: Matrix = (
    (0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407),
)  # fmt: skip
ADOBE_RGB: Matrix = (
    (0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457),
)  # fmt: skip
SRGB: Matrix = (
    (0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410),
)  # fmt: skip
GAMMA = 2.2
WHITE = (0.9642, 1.0, 0.8249)


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def _text(kind: bytes, text: bytes) -> bytes:
    if kind == b"desc":
        return b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + bytes(79)
    return b"text\0\0\0\0" + text + b"\0"


def _profile(kind: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    common = {b"desc": _text(b"desc", b"test"), b"cprt": _text(b"text", b"none")}
    tags = {**common, b"wtpt": _xyz(WHITE), **tags}
    place = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", place + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", 0, bytes(4), 0x02400000, kind, space, pcs)
    head += bytes(12) + b"acsp" + bytes(28)
    head += b"".join(struct.pack(">i", round(v * 65536)) for v in WHITE)
    whole = head.ljust(128, b"\0") + table + data
    return struct.pack(">I", len(whole)) + whole[4:]


def of_primaries(primaries: Matrix) -> bytes:
    """An RGB profile of three primaries and a gamma of GAMMA."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(GAMMA * 256))
    tags = {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    tags |= {
        name: _xyz(xyz) for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
    }
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def in_srgb(primaries: Matrix, colour: Colour) -> Colour:
    """By the definitions: linear light, XYZ, linear light of sRGB, its curve."""
    light = (np.array(colour) / 255) ** (round(GAMMA * 256) / 256)
    linear = np.linalg.solve(np.array(SRGB).T, np.array(primaries).T @ light).clip(0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(int(value) for value in (curved * 255).round())


def of_inks(lightness: dict[Colour, int]) -> bytes:
    """A CMYK profile that makes every mixture of whole inks a grey of this lightness (0-255);
    mixtures that are not named are black."""
    corners = product((0, 255), repeat=4)
    grid = b"".join(bytes([lightness.get(inks, 0), 128, 128]) for inks in corners)
    straight = bytes(range(256))
    unit = b"".join(struct.pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    head = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + unit
    table = head + straight * 4 + grid + straight * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})
