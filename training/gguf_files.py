"""The trained weights as two GGUF files: an LM of architecture `llama`, and the projector
file (mmproj) of architecture `clip` with llama.cpp's "mlp" projector."""

import json
from pathlib import Path

import gguf
import numpy as np
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlavaConfig

from training import network, words

Weights = dict[str, Tensor]
LAYER = "model.vision_tower.encoder.layers."
BLOCK = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.out_proj": "attn_out",
    "layer_norm1": "ln1",
    "layer_norm2": "ln2",
    "mlp.fc1": "ffn_up",
    "mlp.fc2": "ffn_down",
}
LANGUAGE_BLOCK = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def write_language(path: Path, weights: Weights, config: LlavaConfig, tokenizer: Tokenizer) -> None:
    language = config.text_config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("shapes-demo")
    writer.add_license("mit")
    writer.add_languages(["en", "ko"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(language.max_position_embeddings)
    writer.add_embedding_length(language.hidden_size)
    writer.add_block_count(language.num_hidden_layers)
    writer.add_feed_forward_length(language.intermediate_size)
    writer.add_head_count(language.num_attention_heads)
    writer.add_head_count_kv(language.num_key_value_heads)
    writer.add_layer_norm_rms_eps(language.rms_norm_eps)
    writer.add_rope_dimension_count(language.hidden_size // language.num_attention_heads)
    writer.add_rope_freq_base(language.rope_parameters["rope_theta"])
    writer.add_vocab_size(language.vocab_size)
    _add_tokenizer(writer, tokenizer)
    prefix = "model.language_model."
    _add(writer, "token_embd.weight", weights[prefix + "embed_tokens.weight"])
    _add(writer, "output_norm.weight", weights[prefix + "norm.weight"])
    heads = {"attn_q": language.num_attention_heads, "attn_k": language.num_key_value_heads}
    for number in range(language.num_hidden_layers):
        for theirs, ours in LANGUAGE_BLOCK.items():
            tensor = weights[f"{prefix}layers.{number}.{theirs}.weight"]
            if ours in heads:
                tensor = _interleaved(tensor, heads[ours])
            _add(writer, f"blk.{number}.{ours}.weight", tensor)
    _finish(writer)


def _interleaved(tensor: Tensor, heads: int) -> Tensor:
    """llama.cpp turns neighbours where transformers turns a head's halves: rows change places."""
    rows, columns = tensor.shape
    halves = tensor.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    made = json.loads(tokenizer.to_str())
    by_id = {number: token for token, number in tokenizer.get_vocab().items()}
    tokens = [by_id[number] for number in range(len(by_id))]
    kinds = [
        gguf.TokenType.CONTROL if token in words.SPECIAL else gguf.TokenType.NORMAL
        for token in tokens
    ]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in made["model"]["merges"]])
    writer.add_eos_token_id(tokenizer.token_to_id(words.END))
    writer.add_pad_token_id(tokenizer.token_to_id(words.PAD))
    writer.add_add_bos_token(False)
    writer.add_chat_template(words.TEMPLATE)


def write_projector(path: Path, weights: Weights, config: LlavaConfig) -> None:
    vision = config.vision_config
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_name("shapes-demo")
    writer.add_license("mit")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_type("mmproj")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    numbers = {
        "image_size": vision.image_size,
        "patch_size": vision.patch_size,
        "embedding_length": vision.hidden_size,
        "feed_forward_length": vision.intermediate_size,
        "projection_dim": config.text_config.hidden_size,
        "block_count": network.USED_LAYERS,
        "attention.head_count": vision.num_attention_heads,
    }
    for key, number in numbers.items():
        writer.add_uint32(f"clip.vision.{key}", number)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", vision.layer_norm_eps)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    # Without it the last block that is there would be skipped, as LLaVA's files want it.
    writer.add_array("clip.vision.feature_layer", [network.USED_LAYERS])
    _add_tower(writer, weights)
    for theirs, ours in {"linear_1": "mm.0", "linear_2": "mm.2"}.items():
        _add_pair(writer, ours, weights, "model.multi_modal_projector." + theirs)
    _finish(writer)


def _add_tower(writer: gguf.GGUFWriter, weights: Weights) -> None:
    """Without the norm after the last layer (v.post_ln): llama.cpp would apply it where it is,
    whatever layer the features are taken from."""
    prefix = "model.vision_tower."
    _add_pair(writer, "v.patch_embd", weights, prefix + "embeddings.patch_embedding")
    position = weights[prefix + "embeddings.position_embedding.weight"]
    _add(writer, "v.position_embd.weight", position, exact=True)
    for number in range(network.USED_LAYERS):
        for theirs, ours in BLOCK.items():
            _add_pair(writer, f"v.blk.{number}.{ours}", weights, f"{LAYER}{number}.{theirs}")


def _add_pair(writer: gguf.GGUFWriter, name: str, weights: Weights, theirs: str) -> None:
    _add(writer, f"{name}.weight", weights[f"{theirs}.weight"])
    _add(writer, f"{name}.bias", weights[f"{theirs}.bias"])


def _add(writer: gguf.GGUFWriter, name: str, tensor: Tensor, exact: bool = False) -> None:
    """Matrices in 16 bits (the trained weights are rounded to them already), vectors in 32."""
    keep = exact or tensor.dim() == 1
    array = tensor.detach().float().numpy()
    writer.add_tensor(name, np.ascontiguousarray(array if keep else array.astype(np.float16)))


def _finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
