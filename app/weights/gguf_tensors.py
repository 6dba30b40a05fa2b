"""The tensor table of a GGUF file: sizes only, the weights themselves are never read."""

from collections import Counter
from math import prod
from typing import Final

from msgspec import Struct

from app.weights.ggml_types import TENSOR_TYPES, TensorType
from app.weights.gguf_reader import GgufReader

MAX_TENSORS: Final = 1 << 16
# GGML_MAX_NAME and GGML_MAX_DIMS of ggml.h.
MAX_NAME: Final = 64
MAX_DIMENSIONS: Final = 4
MAX_ALIGNMENT: Final = 1 << 16
MAX_BYTES: Final = 1 << 50


class Tensors(Struct, frozen=True):
    """`bytes` of all tensors together; `end` is where the last one ends in the file."""

    file: str
    count: int
    parameters: int
    bytes: int
    end: int
    main_type: str


class _Tensor(Struct, frozen=True):
    name: str
    type: TensorType
    weights: int
    offset: int

    @property
    def bytes(self) -> int:
        return self.weights // self.type.block * self.type.block_bytes


def read_tensors(reader: GgufReader, count: int, alignment: int) -> Tensors:
    """Raises WeightsError for a table that cannot be."""
    if count > MAX_TENSORS:
        raise reader.damaged("number of tensors", count)
    if not 0 < alignment <= MAX_ALIGNMENT or alignment & (alignment - 1):
        raise reader.damaged("general.alignment", alignment)
    tensors = [_read_tensor(reader, alignment) for _ in range(count)]
    if len({tensor.name for tensor in tensors}) != count:
        raise reader.damaged("number of different tensor names", "fewer than tensors")
    data = -(-reader.position // alignment) * alignment
    by_type = Counter[str]()
    for tensor in tensors:
        by_type[tensor.type.name] += tensor.weights
    return Tensors(
        file=reader.name,
        count=count,
        parameters=sum(tensor.weights for tensor in tensors),
        bytes=sum(tensor.bytes for tensor in tensors),
        end=max((data + tensor.offset + tensor.bytes for tensor in tensors), default=data),
        main_type=by_type.most_common(1)[0][0] if by_type else "",
    )


def _read_tensor(reader: GgufReader, alignment: int) -> _Tensor:
    name = reader.string("a tensor name", MAX_NAME)
    dimensions = reader.unsigned32()
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise reader.damaged(f"dimensions of {name}", dimensions)
    shape = [reader.unsigned64() for _ in range(dimensions)]
    kind = TENSOR_TYPES.get(number := reader.unsigned32())
    if kind is None:
        raise reader.damaged(f"type of {name}", number)
    offset = reader.unsigned64()
    if 0 in shape or prod(shape) > MAX_BYTES or shape[0] % kind.block:
        raise reader.damaged(f"shape of {name}", shape)
    if offset > MAX_BYTES or offset % alignment:
        raise reader.damaged(f"offset of {name}", offset)
    return _Tensor(name, kind, prod(shape), offset)
