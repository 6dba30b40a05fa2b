"""A GGUF file again with its matrices in another format; all else stays as it is.

`python -m app.weights.requantize SOURCE TARGET FORM`: a program, whose memory ends with it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from app.weights.spec import Form

# general.file_type of files whose matrices are in that form.
_FILE_TYPES: Final[dict[Form, int]] = {"Q8_0": 7, "Q5_1": 9, "Q5_0": 8, "Q4_1": 3, "Q4_0": 2}
# Every token passes through these two; llama.cpp keeps more bits for them as well.
_FINEST: Final = ("token_embd.weight", "output.weight")
_ROWS: Final = 2048


def requantize(source: Path, target: Path, form: Form) -> None:
    """Write `target`, a matrix at a time: it takes the memory of the largest. Raises OSError, and
    ValueError for what is no GGUF file or is in a format that cannot be read."""
    import gguf

    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, str(reader.fields["general.architecture"].contents()))
    for field in reader.fields.values():
        _copy_field(writer, field, form)
    kinds = [_kind(tensor, form) for tensor in reader.tensors]
    for tensor, kind in zip(reader.tensors, kinds, strict=True):
        shape = [int(length) for length in reversed(tensor.shape)]
        size = int(np.prod(gguf.quant_shape_to_byte_shape(shape, kind), dtype=np.int64))
        writer.add_tensor_info(tensor.name, shape, np.dtype(np.float32), size, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor, kind in zip(reader.tensors, kinds, strict=True):
        writer.write_tensor_data(_bytes(tensor, kind))
    writer.close()


def _copy_field(writer: Any, field: Any, form: Form) -> None:
    from gguf import GGUFValueType

    # What describes the file itself is written anew.
    if field.name.startswith("GGUF.") or field.name == "general.architecture":
        return
    kind = field.types[0]
    items = field.types[-1] if kind == GGUFValueType.ARRAY else None
    value = _FILE_TYPES[form] if field.name == "general.file_type" else field.contents()
    writer.add_key_value(field.name, value, kind, items)


def _kind(tensor: Any, form: Form) -> Any:
    """The type that a tensor gets: vectors, and rows that do not fill whole blocks, keep theirs."""
    from gguf import GGML_QUANT_SIZES
    from gguf import GGMLQuantizationType as Type

    block, _ = GGML_QUANT_SIZES[Type[form]]
    is_vector = len(tensor.shape) < 2 or 1 in tensor.shape[1:]
    if is_vector or int(tensor.shape[0]) % block:
        return tensor.tensor_type
    return Type.Q8_0 if tensor.name in _FINEST else Type[form]


def _bytes(tensor: Any, kind: Any) -> Any:
    if kind == tensor.tensor_type:
        return np.array(tensor.data)
    rows = tensor.data.reshape(-1, tensor.data.shape[-1])
    return np.concatenate(list(_quantized(rows, tensor.tensor_type, kind)))


def _quantized(rows: Any, before: Any, after: Any) -> Iterator[Any]:
    from gguf.quants import dequantize, quantize

    for start in range(0, len(rows), _ROWS):
        values = dequantize(rows[start : start + _ROWS], before).astype(np.float32)
        yield quantize(values, after)


def main() -> int:
    """The last line on standard error says why, when it does not work."""
    source, target, form = sys.argv[1:]
    try:
        requantize(Path(source), Path(target), msgspec.convert(form, Form))
    except OSError as error:
        print(error.strerror or "input/output error", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
