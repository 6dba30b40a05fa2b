"""The tower's graph against transformers: SigLIP and CLIP, the layer that is asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.convert.vision.test_projector import run as run_rows
from tests.converted import require_extra

pytestmark = pytest.mark.filterwarnings("ignore")
SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 45,
    "patch_size": 6,
}


@pytest.fixture(scope="module", autouse=True)
def _extra() -> None:
    require_extra()


def tower_of(kind: str) -> Any:
    import torch
    from transformers import (
        CLIPVisionConfig,
        CLIPVisionModel,
        SiglipVisionConfig,
        SiglipVisionModel,
    )

    from tests.convert.vision.regstage import shake

    torch.manual_seed(3)
    if kind == "siglip":
        return shake(SiglipVisionModel(SiglipVisionConfig(**SHAPE)))
    return shake(CLIPVisionModel(CLIPVisionConfig(**SHAPE)))


@pytest.mark.parametrize("kind", ["siglip", "clip"])
@pytest.mark.parametrize("layer", [-1, -2, -4, 1])
@pytest.mark.parametrize("prefix", ["vision_model.", "vision_model.vision_model."])
def test_the_hidden_state_that_is_asked_for(
    tmp_path: Path, kind: str, layer: int, prefix: str
) -> None:
    import torch

    from app.convert.vision.tower import tower, tower_facts

    model = tower_of(kind)
    pixels = torch.randn(2, 3, 45, 45)
    with torch.no_grad():
        expected = model(pixels, output_hidden_states=True).hidden_states[layer]
    tensors = {prefix + name: value.numpy() for name, value in model.state_dict().items()}
    # A configuration may leave out what is the same for all of its kind.
    facts = tower_facts({**SHAPE, "model_type": f"{kind}_vision_model"}, layer)
    skip = int(kind == "clip")

    def nodes(layers: Any, x: str) -> str:
        return tower(layers, facts, prefix, x, skip)

    found = run_rows(tmp_path, tensors, pixels.numpy(), nodes)
    np.testing.assert_allclose(found, expected[:, skip:].numpy(), rtol=0, atol=1e-5)
    assert found.shape == (2, 49, 32)


@pytest.mark.parametrize("strategy", ["default", "full"])
@pytest.mark.parametrize("kind", ["siglip", "clip"])
def test_llava_s_encoder_is_transformers_s(tmp_path: Path, kind: str, strategy: str) -> None:
    import torch
    from transformers import LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    from app.convert.vision.checkpoint import Checkpoint
    from app.convert.vision.encoder import write_llava
    from tests.convert.vision.loop import session

    torch.manual_seed(4)
    language = LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=1,
                           num_attention_heads=2, vocab_size=99)  # fmt: skip
    config = LlavaConfig(vision_config=tower_of(kind).config, text_config=language,
                         vision_feature_layer=-2,
                         vision_feature_select_strategy=strategy)  # fmt: skip
    model = LlavaForConditionalGeneration(config).eval()
    model.save_pretrained(tmp_path)
    pixels = torch.randn(2, 3, 45, 45)
    with torch.no_grad():
        features = model.get_image_features(pixel_values=pixels)
    expected = features.pooler_output if hasattr(features, "pooler_output") else features
    expected = torch.stack(list(expected)).numpy()
    write_llava(Checkpoint(tmp_path), config.to_dict(), tmp_path / "vision_encoder.onnx")
    found = session(tmp_path / "vision_encoder.onnx").run(None, {"pixel_values": pixels.numpy()})[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
