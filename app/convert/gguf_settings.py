"""What a GGUF file says of Gemma's attention and `transformers` passes over: without it the weights
of the larger models would be unpacked to something else.
"""

from pathlib import Path
from typing import Any, Final

from app.weights.gguf_header import Metadata, read_metadata
from app.weights.opening import opened

# Layers of the models of 27 billion weights, whose scores have a scale of their own.
LARGEST: Final = {"gemma2": 46, "gemma3": 62}
BOUNDS: Final = ("attn_logit_softcapping", "final_logit_softcapping")


def complete(config: Any, path: Path) -> None:
    """Write it into the configuration that `transformers` has read from the file."""
    with opened(path) as (file, size):
        metadata = read_metadata(file, size, path.name)
    if metadata.architecture not in LARGEST:
        return
    config.query_pre_attn_scalar = _scale(metadata)
    if metadata.architecture == "gemma2":
        for name in BOUNDS:
            setattr(config, name, metadata.own_real(name, getattr(config, name)))
    elif (factor := metadata.own_real("rope.scaling.factor", 1.0)) != 1:
        config.rope_parameters["full_attention"] |= {"rope_type": "linear", "factor": factor}


def _scale(metadata: Metadata) -> int:
    """The root of this divides the scores: the width of a head, but for the largest models."""
    embedding, heads = metadata.own("embedding_length"), metadata.own("attention.head_count", 1)
    if metadata.own("block_count") == LARGEST[metadata.architecture]:
        return embedding // heads
    return metadata.own("attention.key_length", embedding // heads)
