"""A tiny writer of GGUF files for tests: enough to be valid, and to be made invalid."""

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

ALIGNMENT = 32
# Tensors may claim more than is written.
MAX_DATA = 1 << 16


class Item(NamedTuple):
    """A metadata value with its type number of the format."""

    kind: int
    body: bytes


def u32(value: int) -> Item:
    return Item(4, struct.pack("<I", value))


def flag(value: bool) -> Item:
    return Item(7, struct.pack("<?", value))


def text(value: str) -> Item:
    return Item(8, _string(value))


def texts(values: Sequence[str]) -> Item:
    return Item(9, struct.pack("<IQ", 8, len(values)) + b"".join(map(_string, values)))


def i32s(values: Sequence[int]) -> Item:
    return Item(9, struct.pack(f"<IQ{len(values)}i", 5, len(values), *values))


def _string(value: str) -> bytes:
    body = value.encode()
    return struct.pack("<Q", len(body)) + body


class Tensor(NamedTuple):
    """F32 unless `kind` says otherwise; `bytes` of data, at `offset` of the data part."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int
    bytes: int


def tensor(name: str, rows: int, offset: int = 0) -> Tensor:
    """A matrix of `rows` times 8 floats."""
    return Tensor(name, (8, rows), 0, offset, 32 * rows)


TOKENS = ["<unk>", "<s>", "a", "b", "<|end|>"]
METADATA: dict[str, Item] = {
    "general.architecture": text("llama"),
    "general.name": text("Tiny"),
    "general.license": text("mit"),
    "general.languages": texts(["en", "ko"]),
    "general.file_type": u32(0),
    "llama.context_length": u32(64),
    "llama.block_count": u32(2),
    "llama.embedding_length": u32(8),
    "llama.attention.head_count": u32(4),
    "llama.attention.head_count_kv": u32(2),
    "tokenizer.ggml.tokens": texts(TOKENS),
    "tokenizer.ggml.token_type": i32s([2, 3, 1, 1, 3]),
    "tokenizer.chat_template": text("{{ messages }}"),
}
TENSORS = (tensor("token_embd.weight", 5), tensor("output.weight", 5, 160))


def build(
    metadata: Mapping[str, Item] | None = None,
    tensors: Sequence[Tensor] = TENSORS,
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    extra: Mapping[str, Item | None] | None = None,
) -> bytes:
    """A whole file. `counts` lies about the numbers of tensors and pairs; `extra` is laid over
    the metadata, None takes a key away."""
    over: dict[str, Item | None] = {**(METADATA if metadata is None else metadata), **(extra or {})}
    pairs = {key: item for key, item in over.items() if item is not None}
    head = b"GGUF" + struct.pack("<IQQ", version, *(counts or (len(tensors), len(pairs))))
    for key, item in pairs.items():
        head += _string(key) + struct.pack("<I", item.kind) + item.body
    for each in tensors:
        head += _string(each.name) + struct.pack("<I", len(each.shape))
        head += struct.pack(f"<{len(each.shape)}QIQ", *each.shape, each.kind, each.offset)
    head += b"\0" * (-len(head) % ALIGNMENT)
    data = max((each.offset + each.bytes for each in tensors), default=0)
    return head + bytes(index % 251 for index in range(min(data, MAX_DATA)))
