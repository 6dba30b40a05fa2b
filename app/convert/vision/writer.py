"""An ONNX graph written node by node, its weights to a file beside it as they come."""

from pathlib import Path
from typing import IO, Any, Final, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from app.convert.errors import ConvertError
from app.convert.graph_file import DATA_SUFFIX, PIECE, point, write_pieces

# The first with Gelu; LayerNormalization came before.
OPSET: Final = 20
MICROSOFT: Final = "com.microsoft"
# Smaller ones stay in the graph: shapes, biases of tiny models.
SMALL: Final = 1024
Weights = Literal["fp32", "fp16"]


class GraphWriter:
    """Nodes in the order in which they are asked for. Everything is computed in 32 bits;
    `weights` says how many the matrices have on disk."""

    def __init__(self, path: Path, weights: Weights = "fp32") -> None:
        self._path = path
        self._weights = weights
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        data = path.with_name(path.name + DATA_SUFFIX)
        self._data: IO[bytes] = data.open("wb")

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node; returns its output's name."""
        name = f"{kind.lower()}_{len(self._nodes)}"
        node = helper.make_node(kind, inputs, [name], name=name, domain=domain, **attributes)
        self._nodes.append(node)
        return name

    def result(self, name: str, kind: str, *inputs: str, **attributes: Any) -> None:
        """Add a node whose output is the graph's, under this name."""
        node = helper.make_node(kind, inputs, [name], name=name, **attributes)
        self._nodes.append(node)

    def weight(self, name: str, array: NDArray[Any]) -> str:
        """A weight; matrices take `weights` bits on disk, and 32 where they are used."""
        if self._weights == "fp32" or array.ndim < 2:
            return self._store(name, np.asarray(array, np.float32))
        half = array.astype(np.float16)
        if not np.isfinite(half).all():
            raise ConvertError("convert_vision_range", name=name)
        return self.node("Cast", self._store(name, half), to=TensorProto.FLOAT)

    def numbers(self, *values: int) -> str:
        """Shapes and axes, int64."""
        name = "numbers_" + "_".join(map(str, values)).replace("-", "m")
        if name not in self._initializers:
            self._store(name, np.array(values, np.int64))
        return name

    def _store(self, name: str, array: NDArray[Any]) -> str:
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor = TensorProto(name=name, data_type=kind, dims=array.shape)
        if array.nbytes <= SMALL:
            tensor.raw_data = array.tobytes()
        else:
            view = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            pieces = (view[at : at + PIECE].tobytes() for at in range(0, len(view), PIECE))
            start = write_pieces(self._data, pieces, array.nbytes)
            point(tensor, Path(self._data.name).name, start, array.nbytes)
        self._initializers[name] = tensor
        return name

    def save(self, inputs: list[Any], outputs: list[Any]) -> None:
        """Write the graph; `inputs` and `outputs` are what `value` makes."""
        self._data.close()
        graph = helper.make_graph(
            self._nodes, "sllm", inputs, outputs, list(self._initializers.values())
        )
        sets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=sets, producer_name="sllm")
        # What 1.21 writes by default is newer than what these operators need.
        model.ir_version = 10
        onnx.save_model(model, self._path)

    def close(self) -> None:
        self._data.close()


def value(name: str, kind: Any, *shape: int | str) -> Any:
    """An input or output; open dimensions have names."""
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), shape
    )
