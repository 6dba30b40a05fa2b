"""`sllm convert --vision`, here of a LLaVA with Qwen2's language model, in 8 bits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.convert.vision import tiny
from tests.converted import require_extra, run

pytestmark = [pytest.mark.weights, pytest.mark.filterwarnings("ignore")]


def write_llava(folder: Path) -> Any:
    import torch
    from transformers import (
        CLIPVisionConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        Qwen2Config,
    )

    vocabulary = tiny._write_tokenizer(folder, tiny.TEMPLATE)
    text = {**tiny.TEXT, "tie_word_embeddings": False, "vocab_size": vocabulary}
    text.pop("model_type")
    vision = {name: each for name, each in tiny.VISION.items() if "_" in name}
    vision.pop("model_type")
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**vision),
        text_config=Qwen2Config(**text, initializer_range=0.3),
        image_token_id=tiny.SPECIAL.index("<|dummy3|>"),
    )
    torch.manual_seed(6)
    model = LlavaForConditionalGeneration(config).eval()
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text("{}")
    return model


def test_a_llava_in_eight_bits(tmp_path: Path) -> None:
    require_extra()
    import torch

    from tests.convert.vision.loop import Folder

    model, out = write_llava(tmp_path / "source"), tmp_path / "out"
    done = run("convert", "--vision", str(tmp_path / "source"), "--output", str(out))
    assert f"VISION_MODEL_PATH={out}" in done.stdout
    card = json.loads((out / "sllm.json").read_text())
    assert (card["architecture"], card["precision"]) == ("llava", "int8")
    assert (card["vision_precision"], card["embedding"]) == ("fp16", "int8")
    assert json.loads((out / "config.json").read_text())["image_token"] == "<|dummy3|>"
    folder = Folder(out)
    pixels = torch.randn(1, 3, tiny.IMAGE, tiny.IMAGE)
    place = tiny.SPECIAL.index("<|dummy3|>")
    ids = [1, 90, 95, *[place] * 49, 2, 80, 81]
    with torch.no_grad():
        given = {"input_ids": torch.tensor([ids]), "pixel_values": pixels}
        expected = model(**given).logits[0, -1].numpy()
    features = folder.features({"pixel_values": pixels.numpy()})
    assert features.shape == (49, 64)
    parts = [folder.embed(ids[:3]), features[None], folder.embed(ids[-3:])]
    feeds = {
        value.name: np.zeros((1, 2, 0, 16), np.float32)
        for value in folder.decoder.get_inputs()
        if value.name.startswith("past")
    }
    feeds["inputs_embeds"] = np.concatenate(parts, axis=1)
    feeds["attention_mask"] = np.ones((1, len(ids)), np.int64)
    found = folder.decoder.run(["logits"], feeds)[0][0, -1]
    assert np.corrcoef(found, expected)[0, 1] > 0.99
