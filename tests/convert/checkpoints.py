"""Tiny random checkpoints of each architecture, as hubs have them: config, weights, tokenizer."""

import json
from pathlib import Path
from typing import Any

# The last is there because tokenizers of Qwen add it where it is missing.
SPECIAL = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WIDTH, LAYERS, HEADS, WINDOW = 64, 2, 4, 512
COMMON: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": 128,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "max_position_embeddings": WINDOW,
    "bos_token_id": 1,
    "eos_token_id": 4,
    "pad_token_id": 2,
}
# Shorter than the prompts and texts of tests, so that a layer that sees too much gives itself away.
SLIDING: dict[str, Any] = {
    "num_key_value_heads": 1,
    "head_dim": 16,
    "sliding_window": 32,
    # Not the width of a head, which the builder takes where nothing is said.
    "query_pre_attn_scalar": 24,
    "layer_types": ["sliding_attention", "full_attention"],
}
# By model_type: what differs. Gemma has one head of keys for all, Phi one for each; the runtime
# turns multiples of 16 floats of a head.
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {"head_dim": 16},
    "mistral": {"sliding_window": 32},
    "phi": {"hidden_size": 128, "num_key_value_heads": HEADS, "partial_rotary_factor": 0.5},
    "phi3": {"original_max_position_embeddings": WINDOW},
    "gemma": {"num_key_value_heads": 1, "head_dim": 16, "hidden_act": "gelu_pytorch_tanh"},
    # Bounds that these logits and scores come near to.
    "gemma2": {**SLIDING, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0},
    # Angles as models of 4 billion weights and more have them.
    "gemma3_text": {
        **SLIDING,
        "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        },
    },
}


def write_checkpoint(folder: Path, family: str, **more: Any) -> Path:
    """A folder that `sllm convert` takes; the weights are random, but always the same. `more` is
    of the configuration, for families that are not above."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    vocabulary = _write_tokenizer(folder)
    facts = {**COMMON, **FAMILIES.get(family, {}), **more, "vocab_size": vocabulary}
    torch.manual_seed(20260101)
    model: Any = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **facts))
    if family.startswith("gemma"):
        _make_norms_random(model)
    model.save_pretrained(folder)
    return folder


def _make_norms_random(model: Any) -> None:
    """Gemma's hold what is added to one, and begin with nothing: then no test would see it."""
    import torch

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.normal_(0, 0.3)


def _write_tokenizer(folder: Path) -> int:
    """A byte-level tokenizer with a few words; returns the size of its vocabulary."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {text: index for index, text in enumerate([*SPECIAL, *letters])}
    # A width that no layer has: the builder finds the head by it.
    while len(vocabulary) % 32 != 6:
        vocabulary[f"<unused{len(vocabulary)}>"] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in SPECIAL])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "<|im_end|>",
        "unk_token": "<unk>",
        "chat_template": TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return tokenizer.get_vocab_size()
