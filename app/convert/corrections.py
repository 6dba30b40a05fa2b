"""What the builder gets wrong, put right in its graph."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from app.convert.errors import ConvertError
from app.convert.graph_file import GraphFile
from app.weights.json_files import Config, read_json, read_object

NORMS: Final = frozenset({"LayerNormalization", "SkipLayerNormalization"})
EMBEDDING_SCALE: Final = "/model/embed_tokens/Mul"
EXACT_SCALE: Final = "model.embed_tokens.scale"
GLOBAL_ANGLES: Final = ("cos_cache_global", "sin_cache_global")


def correct(graph: GraphFile, folder: Path) -> None:
    """All of them, for the source in `folder`."""
    config = read_json(folder / "config.json", Config)
    correct_norms(graph, config)
    correct_embedding_scale(graph, config.hidden_size)
    correct_angles(graph, read_object(folder / "config.json"))


def correct_norms(graph: GraphFile, config: Config) -> None:
    """Give layer norms the epsilon of the configuration: onnxruntime-genai 0.18 knows only
    `rms_norm_eps`, and takes 1e-6 for Phi, which has `layer_norm_eps` 1e-5."""
    if config.layer_norm_eps is None or config.rms_norm_eps is not None:
        return
    for node in graph.nodes:
        if node.op_type in NORMS:
            for attribute in node.attribute:
                if attribute.name == "epsilon":
                    attribute.f = config.layer_norm_eps


def correct_embedding_scale(graph: GraphFile, width: int) -> None:
    """Gemma's embeddings are multiplied by the root of their width, of which the builder keeps
    two decimals."""
    scaled = next((node for node in graph.nodes if node.name == EMBEDDING_SCALE), None)
    if scaled is None:
        return
    rounded = next(node for node in graph.nodes if scaled.input[1] in node.output)
    (value,) = (attribute for attribute in rounded.attribute if attribute.name == "value")
    kind = onnx.helper.tensor_dtype_to_np_dtype(value.t.data_type)
    graph.add(EXACT_SCALE, np.array(width**0.5, kind))
    scaled.input[1] = EXACT_SCALE
    if not graph.consumers(rounded.output[0]):
        graph.nodes.remove(rounded)


def correct_angles(graph: GraphFile, config: Mapping[str, Any]) -> None:
    """Gemma 3 of 4 billion weights and more: the layers that see everything have their positions
    divided by a factor, of which the builder knows nothing."""
    angles = config.get("rope_parameters") or {}
    given = config.get("rope_scaling") or angles.get("full_attention") or {}
    factor = float(given.get("factor", 1.0))
    if config.get("model_type") != "gemma3_text" or factor == 1:
        return
    theta = config.get("rope_theta") or (angles.get("full_attention") or {}).get("rope_theta", 1e6)
    for name, function in zip(GLOBAL_ANGLES, (np.cos, np.sin), strict=True):
        if name not in graph.initializers:
            raise ConvertError("convert_unexpected_graph", what=name)
        old = graph.array(name)
        graph.replace(name, function(_angles(old.shape, theta, factor)).astype(old.dtype))


def _angles(shape: tuple[int, ...], theta: float, factor: float) -> NDArray[np.float32]:
    """[positions, half a head], in the roundings of `transformers`."""
    positions, half = shape
    powers = np.arange(0, 2 * half, 2, dtype=np.float32) / np.float32(2 * half)
    frequencies = np.float32(1) / (np.float32(theta) ** powers) / np.float32(factor)
    return np.outer(np.arange(positions, dtype=np.float32), frequencies)
