"""A GGUF file again with its matrices in Q8_0: what llama.cpp is compared with at equal quality.

`python -m benchmarks.requantize SOURCE TARGET`; needs the package gguf (extra `convert`).
"""

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

# general.file_type of a file whose matrices are Q8_0.
_FILE_TYPE: Final = 7


def requantize(source: Path, target: Path) -> Path:
    """Write `target` unless it exists; metadata and vectors stay as they are."""
    if target.exists():
        return target
    import gguf

    reader = gguf.GGUFReader(source)
    partial = target.with_name(target.name + ".partial")
    writer = gguf.GGUFWriter(partial, _text(reader, "general.architecture"))
    for field in reader.fields.values():
        _copy_field(writer, field)
    for tensor in reader.tensors:
        _copy_tensor(writer, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return partial.rename(target)


def _text(reader: Any, name: str) -> str:
    return str(reader.get_field(name).contents())


def _copy_field(writer: Any, field: Any) -> None:
    from gguf import GGUFValueType

    # What describes the file itself is written anew.
    if field.name.startswith("GGUF.") or field.name == "general.architecture":
        return
    kind = field.types[0]
    items = field.types[-1] if kind == GGUFValueType.ARRAY else None
    value = _FILE_TYPE if field.name == "general.file_type" else field.contents()
    writer.add_key_value(field.name, value, kind, items)


def _copy_tensor(writer: Any, tensor: Any) -> None:
    from gguf import GGMLQuantizationType as Type
    from gguf.quants import dequantize, quantize

    if tensor.tensor_type in (Type.F32, Type.F16):
        writer.add_tensor(tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type)
        return
    weights = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
    writer.add_tensor(tensor.name, quantize(weights, Type.Q8_0), raw_dtype=Type.Q8_0)


if __name__ == "__main__":
    print(requantize(Path(sys.argv[1]), Path(sys.argv[2])))
