"""Element types of ONNX tensors, as onnx.proto numbers them: names and widths."""

from typing import Final

from msgspec import Struct


class ElementType(Struct, frozen=True):
    """`bits` of one element; `weight` types hold weights, the others shapes and indices."""

    name: str
    bits: int
    weight: bool = True


ELEMENT_TYPES: Final = {
    1: ElementType("fp32", 32),
    2: ElementType("uint8", 8),
    3: ElementType("int8", 8),
    4: ElementType("uint16", 16),
    5: ElementType("int16", 16),
    6: ElementType("int32", 32, weight=False),
    7: ElementType("int64", 64, weight=False),
    8: ElementType("string", 0, weight=False),
    9: ElementType("bool", 8, weight=False),
    10: ElementType("fp16", 16),
    11: ElementType("fp64", 64),
    12: ElementType("uint32", 32, weight=False),
    13: ElementType("uint64", 64, weight=False),
    14: ElementType("complex64", 64, weight=False),
    15: ElementType("complex128", 128, weight=False),
    16: ElementType("bf16", 16),
    17: ElementType("fp8", 8),
    18: ElementType("fp8", 8),
    19: ElementType("fp8", 8),
    20: ElementType("fp8", 8),
    21: ElementType("uint4", 4),
    22: ElementType("int4", 4),
    23: ElementType("fp4", 4),
    24: ElementType("fp8", 8),
    25: ElementType("uint2", 2),
    26: ElementType("int2", 2),
}
