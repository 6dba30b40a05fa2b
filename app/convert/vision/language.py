"""The language model inside a checkpoint that sees: its embedding as a graph, the rest as a
checkpoint of its own for the builder.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.convert.errors import ConvertError
from app.convert.vision.checkpoint import Checkpoint
from app.convert.vision.tensor_file import Entry, copy_tensors
from app.convert.vision.writer import GraphWriter, value
from app.weights.task import Task

# By model_type: the class whose graph the builder makes.
ARCHITECTURES: Final = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "mistral": "MistralForCausalLM",
}
_EMBEDDING: Final = "embed_tokens.weight"
_HEAD: Final = "lm_head.weight"
# Says where code comes from, which is not wanted, or is about the whole.
_DROPPED: Final = ("auto_map", "_name_or_path", "quantization_config", "transformers_version")


def check(text: Mapping[str, Any]) -> None:
    """Raises ConvertError for language models that the builder has no graph for."""
    kind = str(text.get("model_type", "-"))
    if kind not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ConvertError("convert_vision_unknown", what=f"text model {kind}", known=known)


def save_language(
    checkpoint: Checkpoint,
    text: Mapping[str, Any],
    source: Path,
    folder: Path,
    narrow: bool,
    task: Task,
) -> None:
    """Write the language model to `folder` as transformers would have saved it alone; `narrow`:
    with 16 bits at most."""
    folder.mkdir()
    entries = _entries(checkpoint, narrow)
    copy_tensors(entries, folder / "model.safetensors", task)
    config = {key: given for key, given in text.items() if key not in _DROPPED}
    config["architectures"] = [ARCHITECTURES[text["model_type"]]]
    if not any(entry.name == _HEAD for entry in entries):
        config["tie_word_embeddings"] = True
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    # The builder asks for a tokenizer, which has no part in the graph: any class will do.
    (folder / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())
    plain = {"tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(plain), encoding="utf-8")


def _entries(checkpoint: Checkpoint, narrow: bool) -> list[Entry]:
    prefix = _prefix(checkpoint)
    entries = [
        Entry("model." + name[len(prefix) :], place, narrow)
        for name, place in checkpoint.places.items()
        if name.startswith(prefix)
    ]
    heads = checkpoint.prefixes(_HEAD)
    return entries + [Entry(_HEAD, checkpoint.places[head + _HEAD], narrow) for head in heads[:1]]


def _prefix(checkpoint: Checkpoint) -> str:
    """`language_model.model.`, `model.language_model.`: whatever has the embedding."""
    found = checkpoint.prefixes(_EMBEDDING)
    if len(found) != 1:
        raise ConvertError("convert_vision_tensor", name=_EMBEDDING)
    return found[0]


def head_size(text: Mapping[str, Any]) -> int:
    return int(text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"])


def language_bytes(checkpoint: Checkpoint, narrow: bool) -> int:
    """As `save_language` stores it."""
    return sum(entry.bytes for entry in _entries(checkpoint, narrow))


def parameters(checkpoint: Checkpoint) -> int:
    return sum(math.prod(place.shape) for place in checkpoint.places.values())


def write_embedding(checkpoint: Checkpoint, path: Path) -> None:
    """input_ids [batch, tokens] to inputs_embeds [batch, tokens, width], in 32 bits."""
    name = _prefix(checkpoint) + _EMBEDDING
    writer = GraphWriter(path)
    try:
        table = writer.weight(name, checkpoint.array(name))
        writer.result("inputs_embeds", "Gather", table, "input_ids", axis=0)
        width = checkpoint.shape(name)[1]
        writer.save(
            [value("input_ids", np.int64, "batch", "tokens")],
            [value("inputs_embeds", np.float32, "batch", "tokens", width)],
        )
    finally:
        writer.close()
