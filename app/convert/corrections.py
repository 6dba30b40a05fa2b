"""What the builder gets wrong, put right in its graph."""

from typing import Final

from app.convert.graph_file import GraphFile
from app.weights.json_files import Config

NORMS: Final = frozenset({"LayerNormalization", "SkipLayerNormalization"})


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
