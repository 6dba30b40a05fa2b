"""The model's shape: a SigLIP tower, two linear layers, a Llama. Built with transformers, so
that the saved weights carry the names that every exporter reads.

Widths differ from each other on purpose: exporters that find a layer by its width, and
llama.cpp's guess of which feed-forward matrix is which, would otherwise go wrong."""

from torch import Tensor
from transformers import LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, SiglipVisionConfig

PICTURE_TOKENS = 64
USED_LAYERS = 4
"""LLaVA's and HyperCLOVA X's convention takes the features before the last layer (-2), so the
tower has one layer more, which nothing reads and which stays zero."""


def config(vocabulary: int, ids: dict[str, int]) -> LlavaConfig:
    tower = SiglipVisionConfig(
        hidden_size=96,
        intermediate_size=320,
        num_hidden_layers=USED_LAYERS + 1,
        num_attention_heads=4,
        image_size=64,
        patch_size=8,
        hidden_act="gelu_pytorch_tanh",
        layer_norm_eps=1e-6,
        vision_use_head=False,
    )
    language = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=ids["end"],
        pad_token_id=ids["pad"],
    )
    return LlavaConfig(
        vision_config=tower,
        text_config=language,
        image_token_index=ids["image"],
        image_token_id=ids["image"],
        image_seq_length=PICTURE_TOKENS,
        projector_hidden_act="gelu",
        vision_feature_layer=-2,
        vision_feature_select_strategy="full",
        tie_word_embeddings=True,
    )


def build(settings: LlavaConfig) -> LlavaForConditionalGeneration:
    model = LlavaForConditionalGeneration(settings)
    for parameter in model.model.vision_tower.encoder.layers[-1].parameters():
        parameter.requires_grad_(False).zero_()
    return model


def seen(
    model: LlavaForConditionalGeneration, pixels: Tensor, places: Tensor | None = None
) -> Tensor:
    """The tower's features [n, 64, 96] of normalised pictures, without the layer nobody reads;
    with `places` [n, k] only those patches are looked at: [n, k, 96]."""
    tower = model.model.vision_tower
    hidden = tower.embeddings(pixels)
    if places is not None:
        hidden = hidden.gather(1, places[:, :, None].expand(-1, -1, hidden.shape[-1]))
    for layer in tower.encoder.layers[:USED_LAYERS]:
        hidden = layer(hidden, attention_mask=None)
    return hidden
