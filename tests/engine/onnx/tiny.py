"""Tiny random text models as ONNX graphs, in the variants that exports come in."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, WIDTH, HEADS, WINDOW = 50, 16, 2, 128
HEAD = WIDTH // HEADS


class Tiny:
    """One layer of attention over a cache: `build` writes the graph.

    grouped: GroupQueryAttention, whose cache may be written in place, else plain operators whose
    cache grows; positions: `position_ids` is an input, else they follow from the cache's length;
    half: 16-bit cache and logits; keep: `num_logits_to_keep`, as exports for browsers have it;
    vocabulary: the number of tokens.
    """

    def __init__(
        self,
        grouped: bool,
        positions: bool = False,
        half: bool = False,
        keep: bool = False,
        vocabulary: int = VOCABULARY,
    ) -> None:
        self.vocabulary = vocabulary
        self.grouped, self.positions, self.half, self.keep = grouped, positions, half, keep
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.dtype = np.float16 if half else np.float32
        self._random = np.random.default_rng(3)

    def build(self, path: Path) -> Path:
        self._weight("embedding", (self.vocabulary, WIDTH))
        self._weight("places", (WINDOW, WIDTH))
        for name in ("query", "key", "value", "out"):
            self._weight(name, (WIDTH, WIDTH))
        self._weight("head", (WIDTH, self.vocabulary))
        self._embed()
        attended = self._grouped() if self.grouped else self._plain()
        self._node("MatMul", [attended, "out"], "mixed")
        self._node("Add", ["embedded", "mixed"], "hidden")
        last = self._kept("hidden") if self.keep else "hidden"
        self._node("MatMul", [last, "head"], "logits")
        onnx.save(self._model(), path)
        return path

    def _embed(self) -> None:
        self._node("Gather", ["embedding", "input_ids"], "words")
        if not self.positions:
            self._length("past_key_values.0.key", 2, "past_length")
            self._length("input_ids", 1, "new_length")
            self._node("Add", ["past_length", "new_length"], "end")
            self._scalars("past_length", "end")
            self._constant("one", np.array(1, np.int64))
            self._node("Range", ["past_length_0", "end_0", "one"], "position_ids")
        self._node("Gather", ["places", "position_ids"], "placed")
        self._node("Add", ["words", "placed"], "embedded")
        for name in ("query", "key", "value"):
            self._node("MatMul", ["embedded", name], f"{name}s")

    def _grouped(self) -> str:
        self._constant("axis", np.array([1], np.int64))
        self._node("ReduceSum", ["attention_mask", "axis"], "summed", keepdims=0)
        self._constant("one_more", np.array(1, np.int64))
        self._node("Sub", ["summed", "one_more"], "last")
        self._node("Cast", ["last"], "last_32", to=TensorProto.INT32)
        self._length("attention_mask", 1, "total")
        self._scalars("total")
        self._node("Cast", ["total_0"], "total_32", to=TensorProto.INT32)
        inputs = ["querys", "keys", "values", *self.past, "last_32", "total_32"]
        outputs = ["attended", *self.present]
        self.nodes.append(
            helper.make_node(
                "GroupQueryAttention",
                inputs,
                outputs,
                domain="com.microsoft",
                num_heads=HEADS,
                kv_num_heads=HEADS,
            )
        )
        return "attended"

    def _plain(self) -> str:
        self._constant("heads", np.array([0, 0, HEADS, HEAD], np.int64))
        self._constant("flat", np.array([0, 0, WIDTH], np.int64))
        self._constant("scale", np.array(HEAD**-0.5, self.dtype))
        for name in ("query", "key", "value"):
            self._node("Reshape", [f"{name}s", "heads"], f"{name}_split")
            self._node("Transpose", [f"{name}_split"], f"{name}_heads", perm=[0, 2, 1, 3])
        for name, past, present in zip(("key", "value"), self.past, self.present, strict=True):
            self._node("Concat", [past, f"{name}_heads"], present, axis=2)
        self._node("Transpose", [self.present[0]], "turned", perm=[0, 1, 3, 2])
        self._node("MatMul", ["query_heads", "turned"], "raw")
        self._node("Mul", ["raw", "scale"], "scores")
        self._node("Add", ["scores", self._bias()], "biased")
        self._node("Softmax", ["biased"], "shares", axis=-1)
        self._node("MatMul", ["shares", self.present[1]], "seen")
        self._node("Transpose", ["seen"], "seen_turned", perm=[0, 2, 1, 3])
        self._node("Reshape", ["seen_turned", "flat"], "attended")
        return "attended"

    def _bias(self) -> str:
        """Minus much where the mask is 0 or the key comes later than the query."""
        self._length("attention_mask", 1, "total")
        self._length("input_ids", 1, "new")
        self._node("Sub", ["total", "new"], "before")
        self._scalars("total", "before")
        self._constant("nought", np.array(0, np.int64))
        self._constant("step", np.array(1, np.int64))
        self._node("Range", ["nought", "total_0", "step"], "columns")
        self._node("Range", ["before_0", "total_0", "step"], "own")
        self._constant("as_column", np.array([1], np.int64))
        self._node("Unsqueeze", ["own", "as_column"], "own_column")
        self._node("LessOrEqual", ["columns", "own_column"], "causal")
        self._constant("middle", np.array([1, 2], np.int64))
        self._node("Unsqueeze", ["attention_mask", "middle"], "mask_4d")
        self._node("Cast", ["mask_4d"], "mask_bool", to=TensorProto.BOOL)
        self._node("And", ["causal", "mask_bool"], "visible")
        self._constant("none", np.array(0, self.dtype))
        self._constant("much", np.array(-10_000, self.dtype))
        self._node("Where", ["visible", "none", "much"], "bias")
        return "bias"

    def _kept(self, hidden: str) -> str:
        self._constant("far", np.array([2**62], np.int64))
        self._constant("tokens", np.array([1], np.int64))
        self._constant("as_list", np.array([0], np.int64))
        self._node("Neg", ["num_logits_to_keep"], "from_end")
        self._node("Unsqueeze", ["from_end", "as_list"], "start")
        self._node("Slice", [hidden, "start", "far", "tokens"], "kept")
        return "kept"

    past = ("past_key_values.0.key", "past_key_values.0.value")
    present = ("present.0.key", "present.0.value")

    def _model(self) -> Any:
        number = TensorProto.FLOAT16 if self.half else TensorProto.FLOAT
        cache: list[str | int | None] = ["batch", HEADS, "past", HEAD]
        grown: list[str | int | None] = ["batch", HEADS, "all", HEAD]
        inputs = [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "new"]),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "all"]),
            *(helper.make_tensor_value_info(name, number, cache) for name in self.past),
        ]
        if self.positions:
            shape = ["batch", "new"]
            inputs.append(helper.make_tensor_value_info("position_ids", TensorProto.INT64, shape))
        if self.keep:
            keep = helper.make_tensor_value_info("num_logits_to_keep", TensorProto.INT64, [])
            inputs.append(keep)
        outputs = [
            helper.make_tensor_value_info("logits", number, ["batch", "rows", self.vocabulary]),
            *(helper.make_tensor_value_info(name, number, grown) for name in self.present),
        ]
        graph = helper.make_graph(self.nodes, "tiny", inputs, outputs, self.weights)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    def _weight(self, name: str, shape: tuple[int, int]) -> None:
        self._constant(name, self._random.normal(size=shape).astype(self.dtype))

    def _constant(self, name: str, value: np.ndarray[Any, Any]) -> None:
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))

    def _length(self, name: str, axis: int, output: str) -> None:
        """One dimension, as a list of one number."""
        self._node("Shape", [name], output, start=axis, end=axis + 1)

    def _scalars(self, *names: str) -> None:
        for name in names:
            self._constant(f"{name}_shape", np.array([], np.int64))
            self._node("Reshape", [name, f"{name}_shape"], f"{name}_0")
