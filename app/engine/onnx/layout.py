"""What the inputs and outputs of an ONNX decoder mean, read from their names, types and shapes.

Names are those of onnxruntime-genai's model builder and of the exports on hubs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from app.engine.backends.base import LoadError

_CACHE: Final = re.compile(
    r"(?:past|present)(?:_key_values?)?[._](?P<layer>\d+)[._](?:(?:de|en)coder[._])?"
    r"(?P<part>key|value)"
)
# onnxruntime's word for an element type, and the array that holds it; NumPy has no bfloat16.
TYPES: Final = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(bfloat16)": np.uint16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}
# onnx.proto's numbers for what onnxruntime cannot tell from the array.
_NUMBERS: Final = {"tensor(bfloat16)": 16}
# How many of the last rows get logits, and the switch of merged decoders.
_KEEP: Final = ("num_logits_to_keep", "logits_to_keep")
_USE_CACHE: Final = "use_cache_branch"
EMBEDS: Final = "inputs_embeds"


class Value(Protocol):
    """An input or output as onnxruntime describes it; unknown dimensions are names."""

    name: str
    type: str
    shape: list[Any]


@dataclass(frozen=True)
class Cache:
    """One layer's keys or values: shape [rows, heads, tokens, head_size]."""

    past: str
    present: str
    heads: int
    head_size: int
    dtype: type[np.generic]
    element: Any

    @property
    def bytes_per_token(self) -> int:
        return self.heads * self.head_size * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Layout:
    """Which inputs there are. `constants` are fed as they are with every run; `ids` is the type
    of token ids, mask and positions; `embeds` that of `inputs_embeds`, which decoders of models
    that see take in place of ids; `axes` how many positions a token has.
    """

    caches: tuple[Cache, ...]
    ids: type[np.generic]
    has_mask: bool
    has_positions: bool
    constants: dict[str, np.ndarray[Any, Any]]
    embeds: type[np.generic] | None = None
    axes: int = 1

    @property
    def precision(self) -> str:
        """Of the KV cache: `f32`, `f16` or `bf16`."""
        names = {np.float32: "f32", np.float16: "f16", np.uint16: "bf16"}
        return names[self.caches[0].dtype]


def read_layout(
    inputs: Sequence[Value], outputs: Sequence[Value], model: str, head_size: int
) -> Layout:
    """The layout; `head_size` is what the model's configuration says, for graphs that leave that
    dimension open (0: unknown). Raises LoadError with what is missing or not understood."""
    by_name = {value.name: value for value in inputs}
    entry = by_name.get("input_ids") or by_name.get(EMBEDS)
    if entry is None:
        raise LoadError("onnx_no_input", model=model, name="input_ids")
    if "logits" not in {value.name for value in outputs}:
        raise LoadError("onnx_no_output", model=model, name="logits")
    # NumPy cannot make 16-bit brain floats of other numbers.
    if entry.name == EMBEDS and TYPES.get(entry.type) not in (np.float32, np.float16):
        raise LoadError("onnx_input_unknown", model=model, name=f"{EMBEDS}: {entry.type}")
    known = {entry.name, "attention_mask", "position_ids", _USE_CACHE, *_KEEP}
    for name in by_name:
        if name not in known and not _CACHE.fullmatch(name):
            raise LoadError("onnx_input_unknown", model=model, name=name)
    return Layout(
        caches=_caches(inputs, outputs, model, head_size),
        ids=_ids(by_name),
        has_mask="attention_mask" in by_name,
        has_positions="position_ids" in by_name,
        constants=_constants(by_name),
        embeds=TYPES[entry.type] if entry.name == EMBEDS else None,
        axes=_axes(by_name.get("position_ids"), model),
    )


def _ids(inputs: dict[str, Value]) -> type[np.generic]:
    """The type of whole numbers; all inputs that take them have the same one."""
    for name in ("input_ids", "attention_mask", "position_ids"):
        if name in inputs:
            return TYPES[inputs[name].type]
    return np.int64


def _axes(positions: Value | None, model: str) -> int:
    """1, or 3 where a token has a time, a row and a column ([3, rows, tokens])."""
    if positions is None or len(positions.shape) == 2:
        return 1
    if len(positions.shape) != 3 or positions.shape[0] in (1, 2, 4):
        raise LoadError("onnx_shape_unknown", model=model, name=positions.name)
    return 3


def _caches(
    inputs: Sequence[Value], outputs: Sequence[Value], model: str, head_size: int
) -> tuple[Cache, ...]:
    present = {key: value.name for value in outputs if (key := _key(value.name))}
    caches = []
    for value in inputs:
        key = _key(value.name)
        if key is None:
            continue
        if key not in present or len(value.shape) != 4 or value.type not in TYPES:
            raise LoadError("onnx_cache_unknown", model=model, name=value.name)
        heads, size = value.shape[1], value.shape[3]
        if not isinstance(size, int):
            size = head_size
        if not isinstance(heads, int) or not size:
            raise LoadError("onnx_shape_unknown", model=model, name=value.name)
        dtype = TYPES[value.type]
        element = _NUMBERS.get(value.type, dtype)
        caches.append(Cache(value.name, present[key], heads, size, dtype, element))
    if not caches:
        raise LoadError("onnx_no_cache", model=model)
    return tuple(caches)


def _key(name: str) -> tuple[str, str] | None:
    found = _CACHE.fullmatch(name)
    return (found["layer"], found["part"]) if found else None


def _constants(inputs: dict[str, Value]) -> dict[str, np.ndarray[Any, Any]]:
    constants: dict[str, np.ndarray[Any, Any]] = {}
    for name in _KEEP:
        if name in inputs:
            shape = [1] * len(inputs[name].shape)
            constants[name] = np.ones(shape, dtype=TYPES[inputs[name].type])
    if _USE_CACHE in inputs:
        constants[_USE_CACHE] = np.ones([1], np.bool_)
    return constants
