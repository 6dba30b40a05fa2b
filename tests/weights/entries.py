"""Catalogue entries for tests."""

import hashlib
from random import Random

from app.weights.catalog import CatalogEntry, HubSource, PypiSource, Source, WheelPart, Words
from tests.weights.gguf_builder import build

CONTENT = build() + Random(1).randbytes(3 << 20)
PARTS = PypiSource(
    (
        WheelPart("tiny-part1", "1.0", "tiny/a.bin"),
        WheelPart("tiny-part2", "1.0", "tiny/b.bin"),
    )
)
HUB = HubSource("maker/tiny", "tiny.gguf")
HUB_PATH = "/maker/tiny/resolve/main/tiny.gguf"
WHEEL_1 = "/files/tiny_part1-1.0-py3-none-any.whl"
WHEEL_2 = "/files/tiny_part2-1.0-py3-none-any.whl"


def entry_of(content: bytes, *sources: Source) -> CatalogEntry:
    """An entry for a file with this content; from the two wheels if no source is given."""
    return CatalogEntry(
        name="tiny",
        title="Tiny",
        description=Words(en="For tests.", ko="시험용입니다."),
        architecture="llama",
        parameters=80,
        quantization="F32",
        languages=("en",),
        context_length=64,
        size_bytes=len(content),
        memory_bytes=1 << 20,
        license="MIT",
        license_url=None,
        format="gguf",
        file="tiny.gguf",
        sha256=hashlib.sha256(content).hexdigest(),
        sources=sources or (PARTS,),
        default=True,
    )
