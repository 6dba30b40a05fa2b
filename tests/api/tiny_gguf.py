"""Tiny random GGUF files of the catalogue's architectures, which llama.cpp loads and runs."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.convert.checkpoints import SPECIAL, TEMPLATE

WIDTH, INNER, LAYERS, HEADS, WINDOW = 64, 96, 2, 4, 512
CONTROL, NORMAL = 3, 1
# Heads of keys; whether q, k and v have biases.
ARCHITECTURES: dict[str, tuple[int, bool]] = {
    "llama": (2, False),
    "qwen2": (2, True),
    "phi2": (HEADS, True),
    "qwen3": (2, False),
    "exaone": (2, False),
}


def write_gguf(path: Path, architecture: str) -> Path:
    """Random weights, always the same; a byte-level tokenizer with a chat template."""
    import gguf

    heads_kv, has_bias = ARCHITECTURES[architecture]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(WINDOW)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(heads_kv)
    if architecture == "phi2":
        writer.add_layer_norm_eps(1e-5)
        writer.add_rope_dimension_count(8)
    else:
        writer.add_layer_norm_rms_eps(1e-5)
    vocabulary = _add_tokenizer(writer)
    for name, shape in _shapes(architecture, vocabulary, heads_kv, has_bias).items():
        writer.add_tensor(name, _random(name, shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: Any) -> int:
    from tokenizers import pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*SPECIAL, *letters])
    writer.add_token_types([CONTROL] * len(SPECIAL) + [NORMAL] * len(letters))
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(4)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    return len(SPECIAL) + len(letters)


def _shapes(
    architecture: str, vocabulary: int, heads_kv: int, has_bias: bool
) -> dict[str, tuple[int, ...]]:
    narrow = WIDTH // HEADS * heads_kv
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary, WIDTH),
        "output_norm.weight": (WIDTH,),
        "output.weight": (vocabulary, WIDTH),
    }
    if architecture == "phi2":
        shapes |= {"output_norm.bias": (WIDTH,), "output.bias": (vocabulary,)}
    for layer in range(LAYERS):
        block = {
            "attn_norm.weight": (WIDTH,),
            "attn_q.weight": (WIDTH, WIDTH),
            "attn_k.weight": (narrow, WIDTH),
            "attn_v.weight": (narrow, WIDTH),
            "attn_output.weight": (WIDTH, WIDTH),
            "ffn_up.weight": (INNER, WIDTH),
            "ffn_down.weight": (WIDTH, INNER),
        }
        if has_bias:
            block |= {"attn_q.bias": (WIDTH,), "attn_k.bias": (narrow,), "attn_v.bias": (narrow,)}
        if architecture == "qwen3":
            head = (WIDTH // HEADS,)
            block |= {"attn_q_norm.weight": head, "attn_k_norm.weight": head}
        if architecture == "phi2":
            block |= {"attn_norm.bias": (WIDTH,), "attn_output.bias": (WIDTH,)}
            block |= {"ffn_up.bias": (INNER,), "ffn_down.bias": (WIDTH,)}
        else:
            block |= {"ffn_norm.weight": (WIDTH,), "ffn_gate.weight": (INNER, WIDTH)}
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in block.items()}
    return shapes


def _random(name: str, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    if name.endswith("norm.weight"):
        return np.ones(shape, np.float32)
    random = np.random.default_rng([*name.encode()])
    found: np.ndarray[Any, np.dtype[np.float32]] = random.normal(0, 0.1, shape).astype(np.float32)
    return found
