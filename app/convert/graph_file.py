"""A .onnx file with its weights in one file beside it: read tensor by tensor, written anew.

Weights are copied in pieces, so that memory does not grow with the model.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from app.convert.errors import ConvertError

DATA_SUFFIX: Final = ".data"
# Large tensors start on a page, so that the runtime can map them.
PAGE: Final = 4096
LARGE: Final = 1 << 20
PIECE: Final = 1 << 24
_NUMPY: Final[dict[int, Any]] = {1: np.float32, 2: np.uint8, 3: np.int8, 10: np.float16}


class GraphFile:
    """The graph in memory, its weights on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = onnx.load(path, load_external_data=False)
        self.initializers = {each.name: each for each in self.model.graph.initializer}
        self._fresh: dict[str, NDArray[Any]] = {}

    @property
    def nodes(self) -> Any:
        return self.model.graph.node

    def consumers(self, name: str) -> list[Any]:
        return [node for node in self.nodes if name in node.input]

    def array(self, name: str) -> NDArray[Any]:
        """A tensor, mapped where it lies outside the file."""
        if name in self._fresh:
            return self._fresh[name]
        tensor = self.initializers[name]
        place = place_of(tensor)
        if place is None:
            found: NDArray[Any] = onnx.numpy_helper.to_array(tensor)
            return found
        location, offset, _ = place
        kind = _NUMPY.get(tensor.data_type)
        if kind is None:
            raise ConvertError("convert_unexpected_graph", what=f"type of {name}")
        shape = tuple(tensor.dims)
        return np.memmap(self.path.parent / location, kind, "r", offset, shape)

    def add(self, name: str, array: NDArray[Any]) -> None:
        """A new initializer; written by `save`."""
        tensor = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        fresh = onnx.TensorProto(name=name, data_type=tensor, dims=array.shape)
        self._append(fresh)
        self._fresh[name] = array

    def replace(self, name: str, array: NDArray[Any]) -> None:
        """Other numbers for an initializer, of its shape and type; written by `save`."""
        tensor = self.initializers[name]
        if tuple(tensor.dims) != array.shape or array.dtype != _NUMPY[tensor.data_type]:
            raise ConvertError("convert_unexpected_graph", what=f"shape of {name}")
        tensor.ClearField("raw_data")
        tensor.ClearField("data_location")
        del tensor.external_data[:]
        self._fresh[name] = array

    def alias(self, name: str, of: str, shape: tuple[int, ...]) -> None:
        """A new initializer with the same bytes in the file as `of`, seen in another shape."""
        twin = onnx.TensorProto()
        twin.CopyFrom(self.initializers[of])
        twin.name = name
        del twin.dims[:]
        twin.dims.extend(shape)
        self._append(twin)

    def remove(self, name: str) -> None:
        self.model.graph.initializer.remove(self.initializers.pop(name))

    def _append(self, tensor: Any) -> None:
        self.model.graph.initializer.append(tensor)
        self.initializers[tensor.name] = self.model.graph.initializer[-1]

    def save(self, path: Path) -> None:
        """Write the graph to `path` and every large tensor to `<path>.data`, shared ones once."""
        data = path.with_name(path.name + DATA_SUFFIX)
        written: dict[tuple[str, int], int] = {}
        with data.open("wb") as file:
            for name, tensor in self.initializers.items():
                place = place_of(tensor)
                if place is None and name not in self._fresh:
                    continue
                key = (name, -1) if place is None else (place[0], place[1])
                if key not in written:
                    pieces = self._pieces(name, place)
                    written[key] = write_pieces(file, pieces, self._length(name, place))
                point(tensor, data.name, written[key], self._length(name, place))
        onnx.save_model(self.model, path)

    def _length(self, name: str, place: tuple[str, int, int] | None) -> int:
        return self._fresh[name].nbytes if place is None else place[2]

    def _pieces(self, name: str, place: tuple[str, int, int] | None) -> Iterator[bytes]:
        if place is None:
            yield np.ascontiguousarray(self._fresh[name]).tobytes()
            return
        location, offset, length = place
        with (self.path.parent / location).open("rb") as source:
            source.seek(offset)
            while length > 0 and (piece := source.read(min(PIECE, length))):
                length -= len(piece)
                yield piece


def place_of(tensor: Any) -> tuple[str, int, int] | None:
    """Location, offset and length outside the file; None for a tensor inside it."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    if "location" not in entries:
        return None
    return entries["location"], int(entries.get("offset", 0)), int(entries["length"])


def point(tensor: Any, location: str, offset: int, length: int) -> None:
    del tensor.external_data[:]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))


def write_pieces(file: Any, pieces: Iterator[bytes], length: int) -> int:
    alignment = PAGE if length >= LARGE else 64
    file.write(b"\0" * (-file.tell() % alignment))
    start: int = file.tell()
    for piece in pieces:
        file.write(piece)
    return start
