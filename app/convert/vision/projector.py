"""From the tower's features to the language model's width: HyperCLOVA X's projectors, LLaVA's."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.convert.vision.layers import Layers

# timm's LayerNormAct2d, whatever the norm that it is asked for; its LayerNorm has another.
CONVOLUTION_EPSILON: Final = 1e-5
PRENORM_EPSILON: Final = 1e-6


def perceptron(layers: Layers, x: str, first: str, second: str, activation: str = "gelu") -> str:
    """Two linear layers."""
    return layers.linear(layers.activation(layers.linear(x, first), activation), second)


def abstractor(layers: Layers, x: str, prefix: str, side: int, queries: int) -> str:
    """Honeybee's C-Abstractor: `x` [B, side * side, width] to [B, queries * queries, hidden].

    Rows and columns stay together as [B, rows, columns, width]; convolutions over one pixel are
    linear layers there, and the norms are over the last axis.
    """
    if layers.has(f"{prefix}prenorm.weight"):
        x = layers.norm(x, f"{prefix}prenorm", PRENORM_EPSILON)
    if layers.has(f"{prefix}pos_emb"):
        x = layers.add(x, layers.tensor(f"{prefix}pos_emb"))
    x = _stage(layers, _square(layers, x, side), f"{prefix}net.0.")
    x = layers.reshape(x, 0, side * side, -1)
    pool = layers.graph.weight("pool", pooling(side, queries))
    x = layers.graph.node("MatMul", pool, x)
    x = _stage(layers, _square(layers, x, queries), f"{prefix}net.2.")
    x = layers.reshape(x, 0, queries * queries, -1)
    return _readout(layers, x, f"{prefix}readout.")


def _square(layers: Layers, x: str, side: int) -> str:
    return layers.reshape(x, 0, side, side, -1)


def _readout(layers: Layers, x: str, prefix: str) -> str:
    """Linear layers at the even numbers, with SiLU between them."""
    numbers = sorted(int(name) for name in _children(layers, prefix))
    for number in numbers:
        if number != numbers[0]:
            x = layers.activation(x, "silu")
        x = layers.linear(x, f"{prefix}{number}")
    return x


def _children(layers: Layers, prefix: str) -> set[str]:
    names = (name for name in layers.checkpoint.places if name.startswith(prefix))
    return {name[len(prefix) :].split(".")[0] for name in names}


def _stage(layers: Layers, x: str, prefix: str) -> str:
    """timm's RegStage: its blocks one after the other."""
    blocks = sorted(int(name[1:]) for name in _children(layers, prefix))
    for block in blocks:
        x = _block(layers, x, f"{prefix}b{block}.")
    return x


def _block(layers: Layers, x: str, prefix: str) -> str:
    silu = "silu"
    y = layers.activation(_narrow(layers, x, f"{prefix}conv1"), silu)
    y = layers.activation(_wide(layers, y, f"{prefix}conv2"), silu)
    if layers.has(f"{prefix}se.fc1.weight"):
        y = _excite(layers, y, f"{prefix}se.")
    y = _narrow(layers, y, f"{prefix}conv3")
    if layers.has(f"{prefix}downsample.conv.weight"):
        x = _narrow(layers, x, f"{prefix}downsample")
    return layers.activation(layers.add(y, x), silu)


def _narrow(layers: Layers, x: str, prefix: str) -> str:
    """A convolution over one pixel, and its norm."""
    x = layers.linear(x, f"{prefix}.conv")
    return layers.norm(x, f"{prefix}.bn", CONVOLUTION_EPSILON)


def _wide(layers: Layers, x: str, prefix: str) -> str:
    """A convolution over 3 x 3 pixels, of each channel for itself (the weight says so)."""
    channels, of_each, *_ = layers.checkpoint.shape(f"{prefix}.conv.weight")
    x = layers.convolution(
        layers.transpose(x, 0, 3, 1, 2),
        f"{prefix}.conv",
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
        group=channels // of_each,
    )
    return layers.norm(layers.transpose(x, 0, 2, 3, 1), f"{prefix}.bn", CONVOLUTION_EPSILON)


def _excite(layers: Layers, x: str, prefix: str) -> str:
    """Each channel times a number between 0 and 1 that all of them decide on."""
    mean = layers.graph.node("ReduceMean", x, layers.graph.numbers(1, 2), keepdims=1)
    gate = perceptron(layers, mean, f"{prefix}fc1", f"{prefix}fc2", "silu")
    return layers.graph.node("Mul", x, layers.graph.node("Sigmoid", gate))


def pooling(side: int, queries: int) -> NDArray[np.float32]:
    """torch's AdaptiveAvgPool2d from side x side to queries x queries as a matrix."""
    line = np.zeros((queries, side), np.float32)
    for query in range(queries):
        start = query * side // queries
        end = -(-(query + 1) * side // queries)
        line[query, start:end] = 1 / (end - start)
    return np.kron(line, line)
