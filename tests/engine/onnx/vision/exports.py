"""Tiny models that see as ONNX files, in the layout that hubs use: encoder, embedding, decoder.

Made by torch's own exporter, so that the graphs owe nothing to the code under test.
"""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

Axes = dict[str, dict[int, str]]


class Decoder(nn.Module):
    """Embeddings to logits over a cache that grows, as exports for browsers have it."""

    def __init__(self, language: Any, head: Any, scale: float = 1.0) -> None:
        super().__init__()
        self.language, self.head, self.scale = language, head, scale

    def forward(self, embeds: Any, mask: Any, positions: Any, *past: Any) -> tuple[Any, ...]:
        from transformers import DynamicCache

        cache = DynamicCache(config=self.language.config)
        for layer in range(len(past) // 2):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        new, total = embeds.shape[1], mask.shape[1]
        own = torch.arange(total - new, total)[:, None] >= torch.arange(total)[None]
        seen = own[None, None] & (mask[:, None, None, :] > 0)
        out = self.language(
            inputs_embeds=embeds,
            attention_mask=torch.where(seen, 0.0, -1e9),
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )
        states = (state for layer in cache.layers for state in (layer.keys, layer.values))
        return (self.head(out.last_hidden_state) * self.scale, *states)


class Tower(nn.Module):
    """`features(*inputs)` as a module, together with the model whose weights it uses."""

    def __init__(self, model: Any, features: Callable[..., Any]) -> None:
        super().__init__()
        self.model, self.features = model, features

    def forward(self, *inputs: Any) -> Any:
        return self.features(*inputs)


def export_decoder(path: Path, decoder: Decoder, axes: int = 1) -> None:
    config = decoder.language.config
    heads, layers = config.num_key_value_heads, config.num_hidden_layers
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    past = [torch.randn(2, heads, 4, size) for _ in range(2 * layers)]
    positions = torch.arange(4, 7)[None].expand(2, -1).contiguous()
    if axes == 3:
        positions = positions[None].expand(3, -1, -1).contiguous()
    example = (torch.randn(2, 3, config.hidden_size), torch.ones(2, 7, dtype=torch.long), positions)
    kinds = [f"{layer}.{part}" for layer in range(layers) for part in ("key", "value")]
    inputs = ["inputs_embeds", "attention_mask", "position_ids"]
    pasts, presents = [f"past_key_values.{kind}" for kind in kinds], [f"present.{k}" for k in kinds]
    dynamic: Axes = {
        "inputs_embeds": {0: "rows", 1: "new"},
        "attention_mask": {0: "rows", 1: "all"},
        "position_ids": {axes // 3: "rows", axes // 3 + 1: "new"},
        "logits": {0: "rows", 1: "new"},
        **{name: {0: "rows", 2: "past"} for name in pasts},
        **{name: {0: "rows", 2: "all"} for name in presents},
    }
    _export(path, decoder, (*example, *past), [*inputs, *pasts], ["logits", *presents], dynamic)


def export_embedding(path: Path, embedding: Any) -> None:
    example = (torch.zeros(1, 2, dtype=torch.long),)
    dynamic = {"input_ids": {0: "rows", 1: "new"}, "inputs_embeds": {0: "rows", 1: "new"}}
    _export(path, embedding, example, ["input_ids"], ["inputs_embeds"], dynamic)


def export_tower(path: Path, tower: Tower, feeds: dict[str, Any], dynamic: Axes) -> None:
    dynamic = {**dynamic, "image_features": {0: "tiles", 1: "rows"}}
    _export(path, tower, tuple(feeds.values()), list(feeds), ["image_features"], dynamic)


def _export(
    path: Path,
    module: nn.Module,
    example: tuple[Any, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic: Axes,
) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=dynamic,
            opset_version=17,
            dynamo=False,
        )


def clip_features(model: Any, layer: int, first: int) -> Callable[..., Any]:
    """LLaVA's: a hidden state of the tower without its first `first` rows, projected."""

    def features(pixel_values: Any) -> Any:
        states = model.vision_tower(pixel_values, output_hidden_states=True).hidden_states
        return model.multi_modal_projector(states[layer][:, first:])

    return features


def idefics3_features(model: Any) -> Callable[..., Any]:
    """For tiles that are whole, as this family's preparation makes them: the mask is all ones."""
    vision = model.vision_model
    patch = model.config.vision_config.patch_size

    def features(pixel_values: Any, pixel_attention_mask: Any) -> Any:
        tiles = pixel_values.flatten(0, 1)
        mask = pixel_attention_mask.flatten(0, 1)[:, ::patch, ::patch].flatten(1)
        patches = vision.embeddings.patch_embedding(tiles).flatten(2).transpose(1, 2)
        places = torch.arange(patches.shape[1])
        placed = patches + vision.embeddings.position_embedding(places)
        hidden = vision.encoder(inputs_embeds=placed * mask[:, :, None].float())
        return model.connector(vision.post_layernorm(hidden.last_hidden_state))

    return features


def qwen_features(vision: Any, project: Callable[[Any], Any]) -> Callable[..., Any]:
    """The tower of Qwen2-VL, or of Qwen2.5-VL, whose windows are masks over all patches, for one
    image of any size."""
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import apply_rotary_pos_emb_vision

    config = vision.config
    merge = config.spatial_merge_size
    window_size = getattr(config, "window_size", None)
    side = (window_size or config.patch_size) // config.patch_size
    size = getattr(config, "embed_dim", config.hidden_size) // config.num_heads

    def ordered(plane: Any, rows: Any, columns: Any) -> Any:
        split = plane.reshape(rows // merge, merge, columns // merge, merge)
        return split.permute(0, 2, 1, 3).reshape(-1)

    def attend(block: Any, hidden: Any, angles: Any, bias: Any) -> Any:
        joint = block.attn.qkv(hidden).reshape(hidden.shape[0], 3, config.num_heads, size)
        query, key, value = joint.permute(1, 0, 2, 3).unbind(0)
        query, key = apply_rotary_pos_emb_vision(query, key, angles.cos(), angles.sin())
        query, key, value = (each.transpose(0, 1) for each in (query, key, value))
        scores = query @ key.transpose(1, 2) * size**-0.5 + bias
        mixed = torch.softmax(scores, -1) @ value
        return block.attn.proj(mixed.transpose(0, 1).reshape(hidden.shape[0], -1))

    def features(pixel_values: Any, image_grid_thw: Any) -> Any:
        rows, columns = image_grid_thw[0, 1], image_grid_thw[0, 2]
        plane = torch.arange(rows * columns).reshape(rows, columns)
        row, column = (ordered(p, rows, columns) for p in (plane // columns, plane % columns))
        steps = torch.arange(0, size // 2, 2, dtype=torch.float32) / (size // 2)
        rate = 1.0 / 10000.0**steps
        turns = torch.cat([row[:, None] * rate, column[:, None] * rate], -1)
        angles = torch.cat([turns, turns], -1)
        window = (row // side) * 10_000 + column // side
        near = torch.where(window[:, None] == window[None], 0.0, -1e9)
        hidden = vision.patch_embed(pixel_values)
        for number, block in enumerate(vision.blocks):
            whole = window_size is None or number in config.fullatt_block_indexes
            bias = 0.0 if whole else near
            hidden = hidden + attend(block, block.norm1(hidden), angles, bias)
            hidden = hidden + block.mlp(block.norm2(hidden))
        return project(vision.merger(hidden))

    return features
