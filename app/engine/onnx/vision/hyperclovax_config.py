"""config.json of HyperCLOVA X Vision in both of its generations, in one form.

The first has `language_config` and `num_queries_vis_abstractor`; since July 2025 they are called
`text_config` and `num_queries_vis_abstractor_image`.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from app.engine.backends.base import LoadError

MODEL_TYPE: Final = "hyperclovax_vlm"
PROJECTORS: Final = ("linear", "mlp", "inverted_mlp", "cabstractor")
# Of the model's own configuration class.
_LAYER: Final = -2
Config = Mapping[str, Any]


def text_config(config: Config) -> dict[str, Any]:
    """The language model's part; older names of its numbers are brought up to date."""
    found = dict(config.get("text_config") or config.get("language_config") or {})
    for old, new in (
        ("n_embd", "hidden_size"),
        ("n_positions", "max_position_embeddings"),
        ("n_head", "num_attention_heads"),
        ("n_layer", "num_hidden_layers"),
    ):
        if old in found:
            found[new] = found.pop(old)
    return found


def vision_config(config: Config) -> dict[str, Any]:
    return dict(config.get("vision_config") or {})


def projector(config: Config) -> str:
    """Raises LoadError for one that this server does not know."""
    kind = str(config.get("mm_projector_type") or "-")
    if kind not in PROJECTORS:
        raise refused(f"mm_projector_type={kind}")
    return kind


def layer(config: Config) -> int:
    """Which hidden state of the tower: -1 the last layer's output, -2 the one before."""
    found = config.get("use_nth_layer")
    return _LAYER if found is None else int(found)


def features_side(config: Config) -> int:
    """Rows of features along one side of a grid: of the abstractor's queries, or of patches.
    Raises LoadError for a number of queries that makes no square."""
    for name in ("num_queries_vis_abstractor_image", "num_queries_vis_abstractor"):
        queries = config.get(name)
        if isinstance(queries, int) and queries > 0:
            if math.isqrt(queries) ** 2 != queries:
                raise refused(f"{name}={queries}")
            return math.isqrt(queries)
    vision = vision_config(config)
    size, patch = vision.get("image_size"), vision.get("patch_size")
    if not isinstance(size, int) or not isinstance(patch, int) or not 0 < patch <= size:
        raise refused("vision_config.image_size, vision_config.patch_size")
    return size // patch


def refused(what: str) -> LoadError:
    return LoadError("vision_config_unknown", family=MODEL_TYPE, what=what)
