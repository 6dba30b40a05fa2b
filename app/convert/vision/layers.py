"""What towers and projectors are made of, as nodes: linear layers, norms, activations."""

from typing import Any, Final

from app.convert.errors import ConvertError
from app.convert.vision.checkpoint import Checkpoint
from app.convert.vision.writer import GraphWriter

# Of transformers' names for activations, those that towers and projectors use.
ACTIVATIONS: Final = frozenset(
    {"gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu", "silu"}
)


class Layers:
    """Nodes over one checkpoint's tensors; names are the checkpoint's."""

    def __init__(self, graph: GraphWriter, checkpoint: Checkpoint) -> None:
        self.graph = graph
        self.checkpoint = checkpoint

    def tensor(self, name: str) -> str:
        return self.graph.weight(name, self.checkpoint.array(name))

    def has(self, name: str) -> bool:
        return name in self.checkpoint

    def linear(self, x: str, name: str) -> str:
        """`x` [..., in] times the weight [out, in], a convolution's of one pixel among them."""
        weight = self.checkpoint.array(f"{name}.weight")
        matrix = weight.reshape(weight.shape[:2]).T
        x = self.graph.node("MatMul", x, self.graph.weight(f"{name}.weight", matrix))
        bias = f"{name}.bias"
        return self.graph.node("Add", x, self.tensor(bias)) if self.has(bias) else x

    def norm(self, x: str, name: str, epsilon: float) -> str:
        """A layer norm over the last axis."""
        inputs = (x, self.tensor(f"{name}.weight"), self.tensor(f"{name}.bias"))
        return self.graph.node("LayerNormalization", *inputs, axis=-1, epsilon=epsilon)

    def activation(self, x: str, kind: str) -> str:
        """By transformers' name. Raises ConvertError for one that is not known."""
        node = self.graph.node
        match kind:
            case "gelu":
                return node("Gelu", x)
            case "gelu_new" | "gelu_pytorch_tanh":
                return node("Gelu", x, approximate="tanh")
            case "quick_gelu":
                return node("QuickGelu", x, domain="com.microsoft", alpha=1.702)
            case "relu":
                return node("Relu", x)
            case "silu":
                return node("Mul", x, node("Sigmoid", x))
        known = ", ".join(sorted(ACTIVATIONS))
        raise ConvertError("convert_vision_unknown", what=f"hidden_act={kind}", known=known)

    def reshape(self, x: str, *shape: int) -> str:
        """0 keeps a dimension, -1 is what remains."""
        return self.graph.node("Reshape", x, self.graph.numbers(*shape))

    def transpose(self, x: str, *axes: int) -> str:
        return self.graph.node("Transpose", x, perm=list(axes))

    def add(self, x: str, y: str) -> str:
        return self.graph.node("Add", x, y)

    def convolution(self, x: str, name: str, **attributes: Any) -> str:
        inputs = [x, self.tensor(f"{name}.weight")]
        if self.has(f"{name}.bias"):
            inputs.append(self.tensor(f"{name}.bias"))
        return self.graph.node("Conv", *inputs, **attributes)
