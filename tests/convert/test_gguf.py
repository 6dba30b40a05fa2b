"""A GGUF file of Gemma is unpacked to the model that it was made of."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.convert.source import dequantize
from app.weights.task import Task
from tests.api.tiny_gguf import add_tokenizer
from tests.convert.checkpoints import COMMON, SLIDING, write_checkpoint
from tests.converted import require_extra

pytestmark = [pytest.mark.weights, pytest.mark.filterwarnings("ignore")]
NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "model.layers": "blk",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
# What a file can say: nothing of the scale, which is a head's width, nor of the layers' kinds,
# which follow from their number.
SAID = {**SLIDING, "query_pre_attn_scalar": SLIDING["head_dim"], "initializer_range": 0.2}
CHECKPOINTS: dict[str, tuple[str, dict[str, Any]]] = {
    "gemma2": ("gemma2", {"attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0}),
    "gemma3": (
        "gemma3_text",
        {
            "num_hidden_layers": 6,
            "layer_types": ["sliding_attention"] * 5 + ["full_attention"],
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            },
        },
    ),
}


@pytest.mark.parametrize("architecture", CHECKPOINTS)
def test_gemma_is_unpacked_to_what_it_was(tmp_path: Path, architecture: str) -> None:
    require_extra()
    import torch

    from app.convert import decoder

    family, more = CHECKPOINTS[architecture]
    source = decoder.load(write_checkpoint(tmp_path / "source", family, **{**SAID, **more}))
    path = tmp_path / "tiny.gguf"
    write_gguf(path, architecture, source)
    dequantize(path, tmp_path / "unpacked", Task())
    unpacked = decoder.load(tmp_path / "unpacked")
    tokens = torch.arange(6, 134)[None]
    with torch.inference_mode():
        assert torch.allclose(source(tokens).logits, unpacked(tokens).logits, atol=1e-5)


def write_gguf(path: Path, architecture: str, model: Any) -> None:
    """As llama.cpp's own converter writes it, in 32 bits."""
    import gguf

    writer, config = gguf.GGUFWriter(path, architecture), model.config
    writer.add_context_length(COMMON["max_position_embeddings"])
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_sliding_window(config.sliding_window)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    else:
        writer.add_rope_freq_base(config.rope_parameters["full_attention"]["rope_theta"])
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(config.rope_parameters["full_attention"]["factor"])
    writer.add_token_scores([0.0] * add_tokenizer(writer))
    for name, weight in model.named_parameters():
        offset = np.float32("norm" in name)
        writer.add_tensor(_gguf_name(name), weight.detach().numpy() + offset)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _gguf_name(name: str) -> str:
    for ours, theirs in NAMES.items():
        name = name.replace(f"{ours}.", f"{theirs}.")
    return name
