"""SigLIP and CLIP vision towers: pixels to one row of features for each patch."""

from typing import Any, Final

from msgspec import Struct

from app.convert.errors import ConvertError
from app.convert.vision.layers import Layers
from app.convert.vision.writer import MICROSOFT

SIGLIP: Final = frozenset({"siglip_vision_model", "siglip"})
CLIP: Final = frozenset({"clip_vision_model", "clip"})
# What transformers takes where a configuration is silent, by kind of tower.
_DEFAULTS: Final[dict[bool, dict[str, Any]]] = {
    True: {"hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6, "patch_size": 16},
    False: {"hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "patch_size": 32},
}


class TowerFacts(Struct, frozen=True):
    """Of `vision_config`. `layers` is how many are computed, after which the features are."""

    siglip: bool
    image_size: int
    patch_size: int
    heads: int
    layers: int
    activation: str
    epsilon: float

    @property
    def side(self) -> int:
        """Patches along one side."""
        return self.image_size // self.patch_size


def tower_facts(config: dict[str, Any], layer: int) -> TowerFacts:
    """`layer` picks the hidden state: -1 the last layer's output, -2 the one before.
    Raises ConvertError for towers of other kinds and for layers that are not there."""
    kind = config.get("model_type", "")
    if kind not in SIGLIP | CLIP:
        known = ", ".join(sorted(SIGLIP | CLIP))
        raise ConvertError("convert_vision_unknown", what=f"tower {kind or '-'}", known=known)
    found = _DEFAULTS[kind in SIGLIP] | config
    depth = int(found.get("num_hidden_layers", 12))
    layers = layer if layer >= 0 else depth + layer + 1
    if not 0 <= layers <= depth:
        raise ConvertError("convert_vision_unknown", what=f"layer {layer}", known=f"{depth}")
    return TowerFacts(
        siglip=kind in SIGLIP,
        image_size=int(found.get("image_size", 224)),
        patch_size=int(found["patch_size"]),
        heads=int(found.get("num_attention_heads", 12)),
        layers=layers,
        activation=str(found["hidden_act"]),
        epsilon=float(found["layer_norm_eps"]),
    )


def tower(layers: Layers, facts: TowerFacts, prefix: str, pixels: str, skip: int) -> str:
    """Nodes from `pixels` [B, 3, S, S] to [B, patches, width], without the norm after the last
    layer and without the first `skip` rows (CLIP's first is its class, not a patch)."""
    x = _embeddings(layers, facts, f"{prefix}embeddings.", pixels)
    if not facts.siglip:
        x = layers.norm(x, f"{prefix}pre_layrnorm", facts.epsilon)
    for index in range(facts.layers):
        x = _layer(layers, facts, f"{prefix}encoder.layers.{index}.", x)
    if not skip:
        return x
    numbers = layers.graph.numbers
    return layers.graph.node("Slice", x, numbers(skip), numbers(1 << 31), numbers(1))


def _embeddings(layers: Layers, facts: TowerFacts, prefix: str, pixels: str) -> str:
    patch = [facts.patch_size, facts.patch_size]
    name = f"{prefix}patch_embedding"
    x = layers.convolution(pixels, name, strides=patch, kernel_shape=patch)
    width = layers.checkpoint.shape(f"{name}.weight")[0]
    x = layers.transpose(layers.reshape(x, 0, width, -1), 0, 2, 1)
    if not facts.siglip:
        x = _with_class(layers, f"{prefix}class_embedding", x, width)
    return layers.add(x, layers.tensor(f"{prefix}position_embedding.weight"))


def _with_class(layers: Layers, name: str, x: str, width: int) -> str:
    node, numbers = layers.graph.node, layers.graph.numbers
    batch = node("Shape", x, start=0, end=1)
    shape = node("Concat", batch, numbers(1), numbers(width), axis=0)
    row = node("Expand", layers.tensor(name), shape)
    return node("Concat", row, x, axis=1)


def _layer(layers: Layers, facts: TowerFacts, prefix: str, x: str) -> str:
    y = layers.norm(x, f"{prefix}layer_norm1", facts.epsilon)
    parts = [layers.linear(y, f"{prefix}self_attn.{part}_proj") for part in "qkv"]
    y = layers.graph.node("MultiHeadAttention", *parts, domain=MICROSOFT, num_heads=facts.heads)
    x = layers.add(x, layers.linear(y, f"{prefix}self_attn.out_proj"))
    y = layers.norm(x, f"{prefix}layer_norm2", facts.epsilon)
    y = layers.activation(layers.linear(y, f"{prefix}mlp.fc1"), facts.activation)
    return layers.add(x, layers.linear(y, f"{prefix}mlp.fc2"))
