"""The trained weights as two folders in the layout of model hubs, which `sllm convert --vision`
and transformers read: LLaVA's, and HyperCLOVA X Vision's with its projector `mlp`."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlavaConfig

from training import words

Weights = dict[str, Tensor]
# LLaVA's own names on disk, and HyperCLOVA X's, for the parts that transformers holds.
LLAVA_NAMES = {
    "model.vision_tower.": "vision_tower.vision_model.",
    "model.multi_modal_projector.": "multi_modal_projector.",
    "model.language_model.": "language_model.model.",
}
HYPERCLOVA_NAMES = {
    "model.vision_tower.": "vision_model.vision_model.",
    "model.multi_modal_projector.linear_1.": "mm_projector.fc1.",
    "model.multi_modal_projector.linear_2.": "mm_projector.fc2.",
    "model.language_model.": "language_model.model.",
}


def write_llava(folder: Path, weights: Weights, config: LlavaConfig, tokenizer: Tokenizer) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = config.to_dict() | {"architectures": ["LlavaForConditionalGeneration"]}
    _save_weights(folder, renamed(weights, LLAVA_NAMES))
    _save_json(folder / "config.json", made)
    _save_companions(folder, config, tokenizer, words.IMAGE)


def write_hyperclova(
    folder: Path, weights: Weights, config: LlavaConfig, tokenizer: Tokenizer
) -> None:
    """One grid without a newline, 64 queries: the same rows as LLaVA's."""
    folder.mkdir(parents=True, exist_ok=True)
    place = tokenizer.token_to_id(words.IMAGE_OF_HYPERCLOVA)
    vision = config.vision_config.to_dict() | {"model_type": "siglip_vision_model"}
    made = {
        "architectures": ["HCXVisionForCausalLM"],
        "model_type": "hyperclovax_vlm",
        "vision_config": vision,
        "text_config": config.text_config.to_dict() | {"logits_scaling": 1.0},
        "mm_projector_type": "mlp",
        "use_nth_layer": config.vision_feature_layer,
        "num_queries_vis_abstractor_image": (vision["image_size"] // vision["patch_size"]) ** 2,
        "anyres": False,
        "unpad": False,
        "possible_resolutions": [],
        "image_token_id": place,
        "img_start_id": place,
        "tie_word_embeddings": True,
    }
    _save_weights(folder, renamed(weights, HYPERCLOVA_NAMES))
    _save_json(folder / "config.json", made)
    _save_companions(folder, config, tokenizer, words.IMAGE_OF_HYPERCLOVA)


def renamed(weights: Weights, names: dict[str, str]) -> Weights:
    """The head is tied to the embedding and is not written twice."""
    found = {}
    for name, tensor in weights.items():
        if name == "lm_head.weight":
            continue
        start = next(start for start in names if name.startswith(start))
        found[names[start] + name.removeprefix(start)] = tensor.contiguous()
    return found


def _save_weights(folder: Path, weights: Weights) -> None:
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _save_companions(folder: Path, config: LlavaConfig, tokenizer: Tokenizer, place: str) -> None:
    side = config.vision_config.image_size
    preprocessor = {
        "image_processor_type": "SiglipImageProcessor",
        "size": {"height": side, "width": side},
        "crop_size": {"height": side, "width": side},
        "do_resize": True,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "resample": 3,
        "patch_size": config.vision_config.patch_size,
        "image_token": place,
        "num_additional_image_tokens": 0,
    }
    if place == words.IMAGE_OF_HYPERCLOVA:
        preprocessor |= {"image_processor_type": "HCXVisionProcessor", "anyres": False}
    _save_json(folder / "preprocessor_config.json", preprocessor)
    template = words.TEMPLATE.replace(words.IMAGE, place)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": words.END,
        "pad_token": words.PAD,
        "add_bos_token": False,
        "model_max_length": config.text_config.max_position_embeddings,
        "chat_template": template,
    }
    _save_json(folder / "tokenizer_config.json", settings)
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    ends = {"eos_token_id": [tokenizer.token_to_id(words.END)]}
    _save_json(folder / "generation_config.json", ends)
    tokenizer.save(str(folder / "tokenizer.json"))


def _save_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
