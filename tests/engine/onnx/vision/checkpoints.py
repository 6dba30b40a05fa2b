"""Tiny random models that see, of each family, with their own transformers to answer beside us."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.domain.messages import Picture
from app.domain.pictures import pixels_digest
from app.engine.spec import EngineSpec, OnnxSpec, OnnxVisionSpec

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}"
    "{% for part in message.content %}{% if part.type == 'image' %}IMAGE"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|endoftext|>")
END = 4
WIDTH = 64
TEXT: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": 112,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "initializer_range": 0.3,
    "bos_token_id": 1,
    "eos_token_id": END,
    "pad_token_id": 2,
}


@dataclass
class Checkpoint:
    """A folder of ONNX files, and how transformers goes on after ids and images."""

    spec: EngineSpec
    generate: Callable[[list[int], list[Image.Image], int], list[int]]
    # What stands for an image, and the ids of `text`.
    expand: Callable[[Image.Image], str]
    ids: Callable[[str], list[int]]
    folder: Path
    pictures: dict[str, Image.Image] = field(default_factory=dict)

    def picture(self, width: int, height: int, seed: int = 0) -> Picture:
        image = noise(width, height, seed)
        found = stored(self.folder, image)
        self.pictures[found.sha256] = image
        return found

    def prompt(self, turns: list[tuple[str, list[Picture], str]]) -> list[int]:
        """The prompt as transformers' processor would have it."""
        parts = []
        for role, pictures, words in turns:
            seen = "".join(self.expand(self.pictures[each.sha256]) for each in pictures)
            parts.append(f"<|im_start|>{role}\n{seen}{words}<|im_end|>\n")
        return self.ids("".join(parts) + "<|im_start|>assistant\n")


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """Large coloured blots, different for each seed."""
    random = np.random.default_rng([width, height, seed])
    few = random.integers(0, 256, (3, 4, 3), np.uint8)
    return Image.fromarray(few).resize((width, height), Image.Resampling.BICUBIC)


def stored(folder: Path, image: Image.Image) -> Picture:
    digest = pixels_digest(image.width, image.height, image.tobytes())
    path = folder / f"{digest}.png"
    image.save(path)
    return Picture(str(path), digest, image.width, image.height)


def write_tokenizer(folder: Path, more: tuple[str, ...]) -> int:
    """Byte-level, with `more` control tokens; returns the size of its vocabulary."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    special = (*SPECIAL, *more)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {text: index for index, text in enumerate([*special, *letters])}
    while len(vocabulary) % 32 != 6:
        vocabulary[f"<unused{len(vocabulary)}>"] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in special])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return tokenizer.get_vocab_size()


def tokenized(folder: Path) -> Callable[[str], list[int]]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)


def spec(
    folder: Path, family: str, config: dict[str, Any], preprocessor: dict[str, Any], **more: Any
) -> EngineSpec:
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    config = json.loads((folder / "config.json").read_text())
    preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    placeholder = more.pop("placeholder", "<image>")
    fields: dict[str, Any] = {
        "backend": "onnx",
        "directory": str(folder),
        "id": f"tiny-{family}",
        "path": str(folder / "decoder_model_merged.onnx"),
        "context_length": 512,
        "slots": 4,
        "threads": 1,
        "use_gpu": "false",
        "onnx": OnnxSpec(
            tokenizer=str(folder / "tokenizer.json"),
            chat_template=TEMPLATE.replace("IMAGE", placeholder),
            end_tokens=(END,),
            head_size=WIDTH // 4,
        ),
        "onnx_vision": OnnxVisionSpec(
            family=family,
            encoder=str(folder / "vision_encoder.onnx"),
            embedding=str(folder / "embed_tokens.onnx"),
            config=config,
            preprocessor=preprocessor,
            cache=str(folder / "features"),
        ),
    }
    return EngineSpec(**{**fields, **more})
