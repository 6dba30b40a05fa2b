"""A checkpoint of HyperCLOVA X Vision 3B's shapes, with random weights: what benchmarks convert."""

import json
import math
from pathlib import Path
from typing import Any, Final

import numpy as np

# VISION.md's [M]: from memory, since the real configuration could not be read.
TOWER: Final[dict[str, Any]] = {
    "model_type": "siglip_vision_model",
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "image_size": 378,
    "patch_size": 14,
}
TEXT_WIDTH, QUERIES = 3072, 81
CONFIG: Final[dict[str, Any]] = {
    "model_type": "hyperclovax_vlm",
    "vision_config": TOWER,
    "text_config": {"hidden_size": TEXT_WIDTH},
    "mm_projector_type": "cabstractor",
    "num_queries_vis_abstractor_image": QUERIES,
    "use_nth_layer": -2,
}


def shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor of the vision part, the last layer of the tower (which is not used) too."""
    width, wide = TOWER["hidden_size"], TOWER["intermediate_size"]
    patches = (TOWER["image_size"] // TOWER["patch_size"]) ** 2
    tower = "vision_model.vision_model."
    found: dict[str, tuple[int, ...]] = {
        f"{tower}embeddings.patch_embedding.weight": (width, 3, 14, 14),
        f"{tower}embeddings.patch_embedding.bias": (width,),
        f"{tower}embeddings.position_embedding.weight": (patches, width),
        "mm_projector.pos_emb": (1, patches, width),
        "image_newline": (TEXT_WIDTH,),
    }
    for index in range(TOWER["num_hidden_layers"]):
        layer = f"{tower}encoder.layers.{index}."
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            found |= _linear(f"{layer}self_attn.{part}", width, width)
        found |= _linear(f"{layer}mlp.fc1", width, wide) | _linear(f"{layer}mlp.fc2", wide, width)
        found |= _norm(f"{layer}layer_norm1", width) | _norm(f"{layer}layer_norm2", width)
    for stage in (0, 2):
        for block in (1, 2, 3):
            found |= _block(f"mm_projector.net.{stage}.b{block}.", width)
    found |= _linear("mm_projector.readout.0", width, TEXT_WIDTH)
    return found | _linear("mm_projector.readout.2", TEXT_WIDTH, TEXT_WIDTH)


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _block(name: str, width: int) -> dict[str, tuple[int, ...]]:
    reduced = round(width / 4)
    found: dict[str, tuple[int, ...]] = {
        f"{name}conv1.conv.weight": (width, width, 1, 1),
        f"{name}conv2.conv.weight": (width, 1, 3, 3),
        f"{name}conv3.conv.weight": (width, width, 1, 1),
        f"{name}se.fc1.weight": (reduced, width, 1, 1),
        f"{name}se.fc1.bias": (reduced,),
        f"{name}se.fc2.weight": (width, reduced, 1, 1),
        f"{name}se.fc2.bias": (width,),
    }
    for part in ("conv1", "conv2", "conv3"):
        found |= _norm(f"{name}{part}.bn", width)
    return found


LANGUAGE: Final[dict[str, Any]] = {
    "model_type": "llama",
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 7168,
    "num_hidden_layers": 32,
    "num_attention_heads": 24,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 16384,
    "rope_theta": 100000000.0,
    "rms_norm_eps": 1e-5,
    "vocab_size": 110592,
    "tie_word_embeddings": True,
    "hidden_act": "silu",
    "bos_token_id": 0,
    "eos_token_id": 2,
}
SPECIAL: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|endofturn|>", "<|dummy3|>")
TEMPLATE: Final = (
    "{% for m in messages %}{% if m.content is string %}"
    "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% else %}"
    "{% for part in m.content %}{% if part.type == 'image' %}"
    "{{ '<|im_start|>user (vector)\n<|dummy3|><|im_end|>\n' }}{% else %}"
    "{{ '<|im_start|>' + m.role + '\n' + part.text + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PREPROCESSOR: Final[dict[str, Any]] = {
    "size": {"shortest_edge": TOWER["image_size"]},
    "crop_size": {"height": TOWER["image_size"], "width": TOWER["image_size"]},
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "do_normalize": True,
    "anyres": True,
    "unpad": True,
}
SHARD_BYTES: Final = 5_000_000_000


def language_shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor of the language model, whose head is its embedding."""
    width, inner = TEXT_WIDTH, LANGUAGE["intermediate_size"]
    narrow = LANGUAGE["num_key_value_heads"] * LANGUAGE["head_dim"]
    found: dict[str, tuple[int, ...]] = {
        "language_model.model.embed_tokens.weight": (LANGUAGE["vocab_size"], width),
        "language_model.model.norm.weight": (width,),
    }
    for index in range(LANGUAGE["num_hidden_layers"]):
        layer = f"language_model.model.layers.{index}."
        for part, rows in (("q", width), ("k", narrow), ("v", narrow), ("o", width)):
            found[f"{layer}self_attn.{part}_proj.weight"] = (rows, width)
        found[f"{layer}mlp.gate_proj.weight"] = found[f"{layer}mlp.up_proj.weight"] = (inner, width)
        found[f"{layer}mlp.down_proj.weight"] = (width, inner)
        for part in ("input_layernorm", "post_attention_layernorm"):
            found[f"{layer}{part}.weight"] = (width,)
    return found


def write_checkpoint(folder: Path) -> int:
    """All that a download has, in shards of 16-bit weights; the number of parameters."""
    whole = shapes() | language_shapes()
    shards: list[dict[str, tuple[int, ...]]] = [{}]
    for name, shape in whole.items():
        if 2 * sum(map(math.prod, [*shards[-1].values(), shape])) > SHARD_BYTES:
            shards.append({})
        shards[-1][name] = shape
    for number, shard in enumerate(shards, 1):
        file = folder / f"model-{number:05}-of-{len(shards):05}.safetensors"
        write_random(file, shard, seed=number)
    facts = {"anyres": True, "unpad": True, "max_num_grids": 9, "use_1x1_grid": True}
    texts = {"text_config": LANGUAGE, "image_token_id": SPECIAL.index("<|dummy3|>")}
    _write(folder / "config.json", CONFIG | facts | texts)
    _write(folder / "preprocessor_config.json", PREPROCESSOR)
    _write_tokenizer(folder)
    return sum(map(math.prod, whole.values()))


def write_random(path: Path, chosen: dict[str, tuple[int, ...]], seed: int = 1) -> None:
    """A safetensors file of 16-bit weights, a tensor at a time."""
    header, offset = {}, 0
    for name, shape in chosen.items():
        end = offset + 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    random = np.random.default_rng(seed)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in chosen.items():
            scale = 0.5 / math.sqrt(shape[-1] if len(shape) == 2 else shape[0])
            numbers = random.standard_normal(math.prod(shape), np.float32) * scale
            if len(shape) == 1 and name.endswith("weight"):
                numbers += 1
            file.write(numbers.astype(np.float16).tobytes())


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _write_tokenizer(folder: Path) -> None:
    """Bytes, and as many words that never occur as the vocabulary has."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    known = [*SPECIAL, *letters]
    known += [f"<unused {index}>" for index in range(LANGUAGE["vocab_size"] - len(known))]
    vocabulary = {text: index for index, text in enumerate(known)}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in SPECIAL])
    tokenizer.save(str(folder / "tokenizer.json"))
    facts = {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|im_end|>"}
    _write(folder / "tokenizer_config.json", {**facts, "chat_template": TEMPLATE})
