"""The tiny towers of Qwen2-VL and Qwen2.5-VL, and what their processor is told."""

from typing import Any

from tests.engine.onnx.vision.checkpoints import WIDTH

QWEN_VISION: dict[str, Any] = {
    "depth": 3,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_heads": 2,
    "patch_size": 4,
    "window_size": 16,
    "spatial_merge_size": 2,
    "fullatt_block_indexes": [2],
    "initializer_range": 0.3,
}
QWEN2_VISION: dict[str, Any] = {
    "depth": 2,
    "embed_dim": 32,
    "hidden_size": WIDTH,
    "mlp_ratio": 2,
    "num_heads": 2,
    "patch_size": 4,
    "spatial_merge_size": 2,
    "initializer_range": 0.3,
}
QWEN_PROCESSOR: dict[str, Any] = {
    "patch_size": 4,
    "merge_size": 2,
    "temporal_patch_size": 2,
    "size": {"shortest_edge": 256, "longest_edge": 4096},
}
