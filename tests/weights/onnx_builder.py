"""A tiny writer of ONNX folders for tests: enough to be valid, and to be made invalid."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FLOAT, UINT8, INT64, FLOAT16 = 1, 2, 7, 10
LAYERS, HEADS, SIZE, VOCABULARY, WIDTH = 2, 2, 4, 10, 8


def varint(value: int) -> bytes:
    body = bytearray()
    while value > 0x7F:
        body.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*body, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, body: bytes | str) -> bytes:
    body = body.encode() if isinstance(body, str) else body
    return varint(field << 3 | 2) + varint(len(body)) + body


def value(field: int, name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    """An input (field 11) or output (field 12) of a graph."""
    dims = [number(1, dim) if isinstance(dim, int) else message(2, dim) for dim in shape]
    dimensions = b"".join(message(1, dim) for dim in dims)
    tensor_type = message(1, number(1, kind) + message(2, dimensions))
    return message(field, message(1, name) + message(2, tensor_type))


class Data(NamedTuple):
    """Where a tensor lies outside the file."""

    location: str
    offset: int | str = 0
    length: int | str | None = None


def tensor(name: str, shape: Sequence[int], kind: int = FLOAT, data: Data | None = None) -> bytes:
    """A TensorProto; zeros inside the file unless `data` says where it is."""
    head = b"".join(number(1, dim) for dim in shape) + number(2, kind) + message(8, name)
    if data is None:
        count = 1
        for dim in shape:
            count *= dim
        return head + message(9, bytes(count * {FLOAT: 4, UINT8: 1, INT64: 8, FLOAT16: 2}[kind]))
    entries = {"location": data.location, "offset": str(data.offset)}
    if data.length is not None:
        entries["length"] = str(data.length)
    pairs = [message(13, message(1, key) + message(2, text)) for key, text in entries.items()]
    return head + b"".join(pairs) + number(14, 1)


def attribute(name: str, integer: int) -> bytes:
    return message(5, message(1, name) + number(3, integer) + number(20, 2))


def node(operator: str, inputs: Sequence[str], *attributes: bytes, domain: str = "") -> bytes:
    body = b"".join(message(1, name) for name in inputs) + message(2, "out")
    return body + message(4, operator) + b"".join(attributes) + message(7, domain)


EMBEDDING = tensor("embed", (VOCABULARY, WIDTH))
GATHER = node("Gather", ["embed", "input_ids"])
INPUTS: dict[str, tuple[int, Sequence[int | str]]] = {
    "input_ids": (INT64, ("batch", "length")),
    "attention_mask": (INT64, ("batch", "total")),
    **{
        f"past_key_values.{layer}.{kind}": (FLOAT, ("batch", HEADS, "past", SIZE))
        for layer in range(LAYERS)
        for kind in ("key", "value")
    },
}
OUTPUTS: dict[str, tuple[int, Sequence[int | str]]] = {
    "logits": (FLOAT, ("batch", "length", VOCABULARY))
}


def build(
    inputs: Mapping[str, tuple[int, Sequence[int | str]]] = INPUTS,
    outputs: Mapping[str, tuple[int, Sequence[int | str]]] = OUTPUTS,
    *,
    nodes: Sequence[bytes] = (GATHER,),
    tensors: Sequence[bytes] = (EMBEDDING,),
    opsets: Mapping[str, int] | None = None,
    ir_version: int = 10,
    extra: bytes = b"",
) -> bytes:
    """A whole .onnx file that onnxruntime need not be able to run."""
    graph = b"".join(message(1, each) for each in nodes)
    graph += b"".join(message(5, each) for each in tensors)
    graph += b"".join(value(11, name, *facts) for name, facts in inputs.items())
    graph += b"".join(value(12, name, *facts) for name, facts in outputs.items())
    head = number(1, ir_version) + message(2, "tests") + message(7, graph) + extra
    versions = {"": 21} if opsets is None else opsets
    pairs = [message(1, domain) + number(2, version) for domain, version in versions.items()]
    return head + b"".join(message(8, pair) for pair in pairs)


CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": WIDTH,
    "num_attention_heads": 2,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 64,
    "eos_token_id": 2,
}
TOKENIZER: dict[str, Any] = {
    "added_tokens": [
        {"id": 2, "content": "<|end|>", "special": True},
        {"id": 3, "content": "<think>", "special": False},
    ],
    "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
}
TOKENIZER_CONFIG: dict[str, Any] = {
    "eos_token": {"content": "<|end|>"},
    "bos_token": "<|start|>",
    "model_max_length": 10**30,
    "chat_template": "{{ messages }}",
}
COMPANIONS: dict[str, Any] = {
    "config.json": CONFIG,
    "tokenizer.json": TOKENIZER,
    "tokenizer_config.json": TOKENIZER_CONFIG,
}


def write_companions(folder: Path, **replaced: Any) -> None:
    """The JSON files; `config={...}` replaces config.json, None leaves it out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in COMPANIONS.items():
        body = replaced.get(name.removesuffix(".json"), content)
        if isinstance(body, bytes):
            (folder / name).write_bytes(body)
        elif body is not None:
            (folder / name).write_text(json.dumps(body))


def write_folder(folder: Path, name: str = "model.onnx", content: bytes | None = None) -> Path:
    """A folder as hubs have it; returns the path of its graph."""
    write_companions(folder)
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(build() if content is None else content)
    return path
