"""The families of tests: what transformers makes of a configuration, exported to ONNX."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from tests.engine.onnx.vision.checkpoints import TEXT, WIDTH, Checkpoint, spec, tokenized
from tests.engine.onnx.vision.checkpoints import write_tokenizer as tokens
from tests.engine.onnx.vision.exports import (
    Decoder,
    Tower,
    clip_features,
    export_decoder,
    export_embedding,
    export_tower,
    idefics3_features,
    qwen_features,
)
from tests.engine.onnx.vision.qwen_sizes import QWEN2_VISION, QWEN_PROCESSOR, QWEN_VISION


def llava(folder: Path, siglip: bool = False, save: Path | None = None) -> Checkpoint:
    """`save` is a folder for the language part, as onnxruntime-genai's builder takes it."""
    from transformers import LlavaConfig, LlavaForConditionalGeneration
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    vocabulary = tokens(folder, ("<image>",))
    tower = {
        "model_type": "siglip_vision_model" if siglip else "clip_vision_model",
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 7,
        "projection_dim": 32,
    }
    config = LlavaConfig(
        vision_config=tower,
        text_config={"model_type": "llama", **TEXT, "vocab_size": vocabulary},
        image_token_index=_id(folder, "<image>"),
        vision_feature_select_strategy="full" if siglip else "default",
    )
    model = _model(LlavaForConditionalGeneration, config)
    if save is not None:
        _save_language(model, save)
    features = clip_features(model.model, config.vision_feature_layer, 0 if siglip else 1)
    feeds = {"pixel_values": torch.randn(2, 3, 28, 28)}
    _write(folder, model, Tower(model, features), feeds, {"pixel_values": {0: "tiles"}})
    if siglip:
        processor: Any = SiglipImageProcessorPil(size={"height": 28, "width": 28})
    else:
        size = {"height": 28, "width": 28}
        processor = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=size)
    return Checkpoint(
        spec=spec(folder, "llava", config.to_dict(), processor.to_dict()),
        generate=_generate(model, processor, "<image>", folder),
        expand=lambda image: "<image>" * 16,
        ids=tokenized(folder),
        folder=folder,
    )


def idefics3(folder: Path, family: str = "idefics3") -> Checkpoint:
    from transformers import AutoConfig, AutoModelForImageTextToText
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    spots = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    vocabulary = tokens(folder, ("<image>", "<fake_token_around_image>", "<global-img>", *spots))
    config = AutoConfig.for_model(
        family,
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 7,
            "initializer_range": 0.3,
        },
        text_config={"model_type": "llama", **TEXT, "vocab_size": vocabulary},
        image_token_id=_id(folder, "<image>"),
        scale_factor=2,
    )
    model = _model(AutoModelForImageTextToText, config)
    feeds = {
        "pixel_values": torch.randn(1, 2, 3, 28, 28),
        "pixel_attention_mask": torch.ones(1, 2, 28, 28, dtype=torch.bool),
    }
    dynamic = {name: {0: "images", 1: "tiles"} for name in feeds}
    _write(folder, model, Tower(model, idefics3_features(model.model)), feeds, dynamic)
    processor = Idefics3ImageProcessorPil(
        size={"longest_edge": 84}, max_image_size={"longest_edge": 28}
    )

    def expand(image: Image.Image) -> str:
        found = processor(image, return_row_col_info=True)
        rows, columns = found["rows"][0][0], found["cols"][0][0]
        around, four = "<fake_token_around_image>", "<image>" * 4
        whole = f"{around}<global-img>{four}{around}"
        lines = [
            "".join(f"{around}<row_{r + 1}_col_{c + 1}>{four}" for c in range(columns)) + "\n"
            for r in range(rows)
        ]
        return "".join(lines) + ("\n" if rows else "") + whole

    return Checkpoint(
        spec=spec(folder, family, config.to_dict(), processor.to_dict()),
        generate=_generate(model, processor, "<image>", folder),
        expand=expand,
        ids=tokenized(folder),
        folder=folder,
    )


def qwen2(folder: Path) -> Checkpoint:
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    config = Qwen2VLConfig(vision_config=QWEN2_VISION, **_qwen_words(folder))
    model = _model(Qwen2VLForConditionalGeneration, config)
    tower = Tower(model, qwen_features(model.model.visual, lambda rows: rows))
    return _of_qwen_s_kind(folder, "qwen2_vl", model, tower, axes=3)


def _qwen_words(folder: Path) -> dict[str, Any]:
    """The language part of both Qwens' configurations, and the tokens around images."""
    vocabulary = tokens(folder, ("<|image_pad|>", "<|vision_start|>", "<|vision_end|>"))
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
    return {
        "text_config": {**TEXT, "vocab_size": vocabulary, "rope_parameters": rope},
        "image_token_id": _id(folder, "<|image_pad|>"),
        "vision_start_token_id": _id(folder, "<|vision_start|>"),
        "vision_end_token_id": _id(folder, "<|vision_end|>"),
    }


def qwen(folder: Path, save: Path | None = None) -> Checkpoint:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    vision = {**QWEN_VISION, "out_hidden_size": WIDTH}
    config = Qwen2_5_VLConfig(vision_config=vision, **_qwen_words(folder))
    model = _model(Qwen2_5_VLForConditionalGeneration, config)
    if save is not None:
        model.save_pretrained(save)
    tower = Tower(model, qwen_features(model.model.visual, lambda rows: rows))
    return _of_qwen_s_kind(folder, "qwen2_5_vl", model, tower, axes=3)


def hyperclovax_v2(folder: Path) -> Checkpoint:
    from transformers import HyperCLOVAXVisionV2Config, HyperCLOVAXVisionV2ForConditionalGeneration

    vocabulary = tokens(folder, ("<|image_pad|>", "<|video_pad|>"))
    scales = {"embedding_multiplier": 1.5, "logits_scaling": 0.5, "residual_multiplier": 0.8}
    config = HyperCLOVAXVisionV2Config(
        vision_config={"model_type": "qwen2_5_vl_vision", **QWEN_VISION, "out_hidden_size": 48},
        text_config={
            "model_type": "hyperclovax",
            **TEXT,
            "vocab_size": vocabulary,
            **scales,
            "attention_multiplier": 0.3,
            "head_dim": 16,
        },
        image_token_id=_id(folder, "<|image_pad|>"),
        video_token_id=_id(folder, "<|video_pad|>"),
        tie_word_embeddings=False,
    )
    model = _model(HyperCLOVAXVisionV2ForConditionalGeneration, config)
    tower = Tower(model, qwen_features(model.model.vision_model, model.model.projector))
    return _of_qwen_s_kind(folder, "hyperclovax_vision_v2", model, tower, axes=1, scale=0.5)


def _of_qwen_s_kind(
    folder: Path, family: str, model: Any, tower: Tower, axes: int, scale: float = 1.0
) -> Checkpoint:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    feeds = {
        "pixel_values": torch.randn(24, 96),
        "image_grid_thw": torch.tensor([[1, 6, 4]]),
    }
    dynamic = {"pixel_values": {0: "patches"}}
    _write(folder, model, tower, feeds, dynamic, axes, scale)
    processor = Qwen2VLImageProcessorPil(**QWEN_PROCESSOR)
    before, after = ("<|vision_start|>", "<|vision_end|>") if axes == 3 else ("", "")

    def expand(image: Image.Image) -> str:
        _, rows, columns = processor(image)["image_grid_thw"][0]
        return before + "<|image_pad|>" * int(rows * columns // 4) + after

    return Checkpoint(
        spec=spec(
            folder,
            family,
            model.config.to_dict(),
            processor.to_dict(),
            placeholder=f"{before}<|image_pad|>{after}",
        ),
        generate=_generate(model, processor, "<|image_pad|>", folder),
        expand=expand,
        ids=tokenized(folder),
        folder=folder,
    )


def _save_language(model: Any, folder: Path) -> None:
    from transformers import LlamaForCausalLM

    language = LlamaForCausalLM(model.config.text_config)
    language.model.load_state_dict(model.model.language_model.state_dict())
    language.lm_head.load_state_dict(model.lm_head.state_dict())
    language.save_pretrained(folder)


def _id(folder: Path, token: str) -> int:
    (found,) = tokenized(folder)(token)
    return found


def _model(kind: Any, config: Any) -> Any:
    torch.manual_seed(20260202)
    config._attn_implementation = "eager"
    make = kind.from_config if hasattr(kind, "from_config") else kind
    model = make(config).eval().float()
    # What begins as zeros or ones would hide a mistake.
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def _write(
    folder: Path,
    model: Any,
    tower: Tower,
    feeds: dict[str, Any],
    dynamic: dict[str, dict[int, str]],
    axes: int = 1,
    scale: float = 1.0,
) -> None:
    language = getattr(model.model, "language_model", None) or model.model.text_model
    export_tower(folder / "vision_encoder.onnx", tower, feeds, dynamic)
    export_embedding(folder / "embed_tokens.onnx", model.get_input_embeddings())
    decoder = Decoder(language, model.lm_head, scale)
    export_decoder(folder / "decoder_model_merged.onnx", decoder, axes)


def _generate(
    model: Any, processor: Any, placeholder: str, folder: Path
) -> Callable[[list[int], list[Image.Image], int], list[int]]:
    place = _id(folder, placeholder)

    def generate(ids: list[int], images: list[Image.Image], count: int) -> list[int]:
        feeds: dict[str, Any] = {"input_ids": torch.tensor([ids])}
        if images:
            nested = [images] if "pixel_attention_mask" in processor.model_input_names else images
            feeds |= processor(nested, return_tensors="pt")
            if model.config.model_type in ("qwen2_vl", "qwen2_5_vl"):
                feeds["mm_token_type_ids"] = (feeds["input_ids"] == place).int()
        with torch.no_grad():
            found = model.generate(
                **feeds,
                attention_mask=torch.ones_like(feeds["input_ids"]),
                max_new_tokens=count,
                min_new_tokens=count,
                do_sample=False,
                eos_token_id=None,
            )
        return [int(token) for token in found[0, len(ids) :]]

    return generate
