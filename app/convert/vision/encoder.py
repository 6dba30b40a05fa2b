"""`vision_encoder.onnx` of HyperCLOVA X Vision and of LLaVA: tower, projector, order of rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.convert.errors import ConvertError
from app.convert.vision.checkpoint import Checkpoint
from app.convert.vision.layers import Layers
from app.convert.vision.projector import abstractor, perceptron
from app.convert.vision.tower import TowerFacts, tower, tower_facts
from app.convert.vision.writer import GraphWriter, Weights, value
from app.engine.onnx.vision import hyperclovax_config as hyperclovax

PIXELS: Final = "pixel_values"
INDEX: Final = "gather_index"
FEATURES: Final = "image_features"
# Every tower has it, whatever stands before it in a checkpoint.
_ANCHOR: Final = "embeddings.patch_embedding.weight"
_NEWLINE: Final = "image_newline"


def write_hyperclovax(
    checkpoint: Checkpoint, config: Mapping[str, Any], path: Path, weights: Weights = "fp32"
) -> None:
    """(pixel_values [grids, 3, S, S], gather_index [n]) to image_features [n, width].

    The rows that `gather_index` picks from are all grids' features, one after the other, and
    after them the newline where the checkpoint has one. Raises ConvertError.
    """
    facts = tower_facts(hyperclovax.vision_config(config), hyperclovax.layer(config))
    writer = GraphWriter(path, weights)
    try:
        layers = Layers(writer, checkpoint)
        x = tower(layers, facts, _prefix(checkpoint), PIXELS, skip=int(not facts.siglip))
        x = _project(layers, config, facts, x)
        width = int(hyperclovax.text_config(config)["hidden_size"])
        x = layers.reshape(x, -1, width)
        newline = _newline(checkpoint)
        if newline is not None:
            row = writer.weight(newline, checkpoint.array(newline).reshape(1, width))
            x = writer.node("Concat", x, row, axis=0)
        writer.result(FEATURES, "Gather", x, INDEX, axis=0)
        writer.save(
            [_pixels(facts), value(INDEX, np.int64, "rows")],
            [value(FEATURES, np.float32, "rows", width)],
        )
    finally:
        writer.close()


def _project(layers: Layers, config: Mapping[str, Any], facts: TowerFacts, x: str) -> str:
    kind = hyperclovax.projector(config)
    prefix = _one(layers.checkpoint, "mm_projector.", _first_of(kind))
    if kind == "cabstractor":
        side = hyperclovax.features_side(config)
        return abstractor(layers, x, prefix, facts.side, side)
    if hyperclovax.features_side(config) != facts.side:
        raise ConvertError("convert_vision_tensor", name=f"{kind} with queries")
    if kind == "linear":
        return layers.linear(x, prefix[:-1])
    return perceptron(layers, x, f"{prefix}fc1", f"{prefix}fc2")


def _first_of(kind: str) -> str:
    names = {"cabstractor": "readout.0.weight", "linear": "weight"}
    return names.get(kind, "fc1.weight")


def _one(checkpoint: Checkpoint, prefix: str, ending: str) -> str:
    """The whole prefix: some files have `model.` before it."""
    found = checkpoint.prefixes(prefix + ending)
    if len(found) != 1:
        raise ConvertError("convert_vision_tensor", name=prefix + ending)
    return found[0] + prefix


def _prefix(checkpoint: Checkpoint) -> str:
    """The tower's: `vision_model.`, `vision_model.vision_model.`, `vision_tower.vision_model.`."""
    found = checkpoint.prefixes(_ANCHOR)
    if len(found) != 1:
        raise ConvertError("convert_vision_tensor", name=_ANCHOR)
    return found[0]


def _newline(checkpoint: Checkpoint) -> str | None:
    found = checkpoint.prefixes(_NEWLINE)
    return found[0] + _NEWLINE if found else None


def _pixels(facts: TowerFacts) -> Any:
    return value(PIXELS, np.float32, "grids", 3, facts.image_size, facts.image_size)


def write_llava(
    checkpoint: Checkpoint, config: Mapping[str, Any], path: Path, weights: Weights = "fp32"
) -> None:
    """pixel_values [images, 3, S, S] to image_features [images, rows, width] of a
    LlavaForConditionalGeneration. Raises ConvertError."""
    layer = config.get("vision_feature_layer", -2)
    if not isinstance(layer, int):
        raise ConvertError("convert_vision_unknown", what=f"layers {layer}", known="one")
    facts = tower_facts(dict(config.get("vision_config") or {}), layer)
    # transformers drops the first row whatever it is, unless it is asked for all.
    skip = int(config.get("vision_feature_select_strategy", "default") != "full")
    writer = GraphWriter(path, weights)
    try:
        layers = Layers(writer, checkpoint)
        x = tower(layers, facts, _prefix(checkpoint), PIXELS, skip)
        prefix = _one(checkpoint, "multi_modal_projector.", "linear_1.weight")
        activation = str(config.get("projector_hidden_act", "gelu"))
        x = perceptron(layers, x, f"{prefix}linear_1", f"{prefix}linear_2", activation)
        writer.result(FEATURES, "Identity", x)
        width = checkpoint.shape(f"{prefix}linear_2.weight")[0]
        features = value(FEATURES, np.float32, "grids", "rows", width)
        writer.save([_pixels(facts)], [features])
    finally:
        writer.close()
