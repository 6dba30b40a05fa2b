"""A whole tiny HyperCLOVA X Vision checkpoint, random and always the same, with the real names of
its tensors; and the same model in torch, put together from its parts.
"""

import json
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from tests.convert.vision.regstage import CAbstractor, shake

IMAGE, PATCH, QUERIES, WIDTH, FEW = 42, 6, 9, 32, 4
# No width of a layer may equal the vocabulary's, nor the inner one the outer.
TEXT: Final[dict[str, Any]] = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "rope_theta": 100000000.0,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
VISION: Final[dict[str, Any]] = {
    "model_type": "siglip_vision_model",
    "hidden_size": WIDTH,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": IMAGE,
    "patch_size": PATCH,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
}
PREPROCESSOR: Final[dict[str, Any]] = {
    "size": {"shortest_edge": IMAGE},
    "crop_size": {"height": IMAGE, "width": IMAGE},
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "do_normalize": True,
    "anyres": True,
    "unpad": True,
}
SPECIAL: Final = [
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|stop|>", "<|endofturn|>", "<|dummy3|>")
]
TEMPLATE: Final = (
    "{% for m in messages %}{% if m.content is string %}{% set parts = [{'type': 'text', 'text': "
    "m.content}] %}{% else %}{% set parts = m.content %}{% endif %}{% for part in parts %}"
    "{% if part.type == 'image' %}"
    "{{ '<|im_start|>user (vector)\n<|dummy3|><|im_end|>\n' }}{% else %}"
    "{{ '<|im_start|>' + m.role + '\n' + part.text + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


# As v0.1.0 has it: a part for each message.
SINGLE: Final = (
    "{% for m in messages %}{% if m.content.type == 'image' %}"
    "{{ '<|im_start|>user (vector)\n<|dummy3|><|im_end|>\n' }}{% else %}"
    "{{ '<|im_start|>' + m.role + '\n' + m.content.text + '<|im_end|>\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class TinyHyperClovaX:
    """`features`, `logits` and `greedy` in torch."""

    def __init__(self, vocabulary: int) -> None:
        from transformers import (
            LlamaConfig,
            LlamaForCausalLM,
            SiglipVisionConfig,
            SiglipVisionModel,
        )

        torch.manual_seed(20260101)
        self.vision = shake(SiglipVisionModel(SiglipVisionConfig(**VISION)))
        tokens = (IMAGE // PATCH) ** 2
        self.projector = shake(CAbstractor(tokens, WIDTH, WIDTH, TEXT["hidden_size"], QUERIES))
        self.newline = torch.randn(TEXT["hidden_size"])
        self.language = LlamaForCausalLM(LlamaConfig(**TEXT, vocab_size=vocabulary)).eval()
        with torch.no_grad():
            # So that answers hang on all that was read, and not on the last token alone.
            for name, parameter in self.language.named_parameters():
                parameter.mul_(10 if parameter.ndim > 1 and "embed" not in name else 1)
            # Goldens keep these in 16 bits.
            for parameter in (*self.vision.parameters(), *self.projector.parameters()):
                parameter.copy_(parameter.half().float())
            self.newline = self.newline.half().float()

    @torch.no_grad()
    def rows(self, pixels: Tensor) -> Tensor:
        """[grids * queries + 1, width]: every row that gather_index can pick."""
        hidden = self.vision(pixels, output_hidden_states=True).hidden_states[-2]
        features = self.projector(hidden).reshape(-1, TEXT["hidden_size"])
        return torch.cat([features, self.newline[None]])

    @torch.no_grad()
    def greedy(
        self, before: list[int], features: Tensor, after: list[int], count: int
    ) -> list[int]:
        """Ids of `count` tokens after the prompt with the features in it, without a cache."""
        embed = self.language.get_input_embeddings()
        parts = [embed(torch.tensor(before)), features, embed(torch.tensor(after))]
        embeds = torch.cat(parts)[None]
        found: list[int] = []
        for _ in range(count):
            token = int(self.language(inputs_embeds=embeds).logits[0, -1].argmax())
            found.append(token)
            embeds = torch.cat([embeds, embed(torch.tensor([[token]]))], dim=1)
        return found

    def tensors(self, doubled: bool) -> dict[str, Tensor]:
        """Under the names of the real checkpoint; `doubled` as transformers 4 has the tower's."""
        tower = "vision_model.vision_model." if doubled else "vision_model."
        found = {tower + name: value for name, value in self.vision.state_dict().items()}
        found |= {
            f"mm_projector.{name}": each for name, each in self.projector.state_dict().items()
        }
        language = self.language.state_dict()
        language.pop("lm_head.weight")
        found |= {f"language_model.{name}": value for name, value in language.items()}
        return {**found, "image_newline": self.newline}


def config(generation: int, vocabulary: int) -> dict[str, Any]:
    text = {**TEXT, "vocab_size": vocabulary}
    common = {
        "model_type": "hyperclovax_vlm",
        "architectures": ["HCXVisionForCausalLM"],
        "vision_config": VISION,
        "mm_projector_type": "cabstractor",
        "use_nth_layer": -2,
        "anyres": True,
        "unpad": True,
        "max_num_grids": FEW,
        "use_1x1_grid": True,
        "img_start_id": SPECIAL.index("<|dummy3|>"),
    }
    if generation == 1:
        return {**common, "language_config": text, "num_queries_vis_abstractor": QUERIES}
    return {
        **common,
        "text_config": text,
        "num_queries_vis_abstractor_image": QUERIES,
        "num_queries_vis_abstractor_video_slow": QUERIES,
        "num_queries_vis_abstractor_video_fast": 1,
        "image_token_id": SPECIAL.index("<|dummy3|>"),
    }


def write_checkpoint(folder: Path, generation: int, shards: int = 2) -> TinyHyperClovaX:
    """Generation 1 with doubled, 2 with plain prefixes; weights in several files, as hubs have
    them. Returns the model."""
    from safetensors.torch import save_file

    vocabulary = _write_tokenizer(folder, SINGLE if generation == 1 else TEMPLATE)
    model = TinyHyperClovaX(vocabulary)
    tensors = model.tensors(doubled=generation == 1)
    names = sorted(tensors)
    for shard in range(shards):
        part = {name: tensors[name].contiguous() for name in names[shard::shards]}
        file = folder / f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        save_file(part, file, {"format": "pt"})
    preprocessor = PREPROCESSOR
    if generation == 1:
        preprocessor = {**PREPROCESSOR, "num_queries_vis_abstractor": QUERIES}
    _write(folder / "config.json", config(generation, vocabulary))
    _write(folder / "preprocessor_config.json", preprocessor)
    return model


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _write_tokenizer(folder: Path, template: str) -> int:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {text: index for index, text in enumerate([*SPECIAL, *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in SPECIAL])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    facts = {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|im_end|>"}
    _write(folder / "tokenizer_config.json", {**facts, "chat_template": template})
    return int(tokenizer.get_vocab_size())
