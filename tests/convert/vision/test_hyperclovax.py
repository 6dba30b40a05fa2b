"""A whole tiny HyperCLOVA X Vision checkpoint, converted: its features and its answers are torch's.

`python -m tests.convert.vision.test_hyperclovax` makes the golden again.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.engine.onnx.vision.hyperclovax import HyperClovaX
from app.weights.task import Task
from tests.converted import require_extra

GOLDEN = Path(__file__).parent / "goldens" / "tiny-hyperclovax.npz"
# ids before and after the image, and how many tokens are answered.
BEFORE, AFTER, COUNT = [1, 90, 95, 100, 9], [2, 7, 1, 80, 81], 32
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def _extra() -> None:
    require_extra()


@pytest.fixture(scope="module", params=[1, 2])
def converted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, Path, Any]:
    """The generation, the folder of `source` and `out`, and the model in torch."""
    from app.convert.vision.conversion import convert
    from app.convert.vision.source import find_vision_source
    from tests.convert.vision.tiny import write_checkpoint

    folder = tmp_path_factory.mktemp("converted")
    model = write_checkpoint(folder / "source", request.param)
    convert(find_vision_source(folder / "source"), folder / "out", "fp32", Task(), "fp32")
    return request.param, folder, model


def picture(seed: int = 5) -> Image.Image:
    """Not square, so that there is padding to leave out."""
    noise = np.random.default_rng(seed).integers(0, 256, (77, 130, 3))
    return Image.fromarray(noise.astype(np.uint8))


def prepared(folder: Path, image: Image.Image) -> Any:
    config = json.loads((folder / "config.json").read_text())
    preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    return HyperClovaX(config, preprocessor).prepare(image)


def expected(model: Any, feeds: dict[str, Any]) -> tuple[Any, list[int]]:
    """Features and answer in torch."""
    import torch

    rows = model.rows(torch.from_numpy(feeds["pixel_values"]))
    features = rows[torch.from_numpy(feeds["gather_index"])]
    return features.numpy(), model.greedy(BEFORE, features, AFTER, COUNT)


@pytest.mark.parametrize("doubled", [True, False])
@pytest.mark.parametrize("generation", [1, 2])
def test_the_encoder_gives_the_golden_features(
    tmp_path: Path, generation: int, doubled: bool
) -> None:
    from safetensors.numpy import save_file

    from app.convert.vision.checkpoint import Checkpoint
    from app.convert.vision.encoder import write_hyperclovax
    from tests.convert.vision import tiny
    from tests.convert.vision.loop import session

    golden = dict(np.load(GOLDEN))
    tensors = {}
    for name, array in golden.items():
        if "." in name or name == "image_newline":
            spelled = name if doubled else name.replace("vision_model.vision_", "vision_")
            tensors[spelled] = array
    save_file(tensors, tmp_path / "model.safetensors")
    config = tiny.config(generation, 262)
    write_hyperclovax(Checkpoint(tmp_path), config, tmp_path / "vision_encoder.onnx")
    feeds = HyperClovaX(config, tiny.PREPROCESSOR).prepare(picture()).feeds
    found = session(tmp_path / "vision_encoder.onnx").run(None, feeds)[0]
    np.testing.assert_allclose(found, golden["features"], rtol=0, atol=1e-5)


@pytest.mark.weights
def test_a_whole_checkpoint_answers_as_torch_does(converted: tuple[int, Path, Any]) -> None:
    from tests.convert.vision.loop import Folder

    folder, model = converted[1] / "out", converted[2]
    runtime = Folder(folder)
    given = prepared(folder, picture())
    features, answer = expected(model, given.feeds)
    found = runtime.features(given.feeds)
    assert found.shape == (given.tokens, 64)
    np.testing.assert_allclose(found, features, rtol=0, atol=1e-5)
    assert runtime.greedy(BEFORE, found, AFTER, COUNT) == answer
    assert len(set(answer)) > COUNT / 4
    # The golden says the same, and another image is answered in other words.
    golden = np.load(GOLDEN)
    assert golden["answer"].tolist() == answer
    np.testing.assert_allclose(golden["features"], features, rtol=0, atol=1e-5)
    other = runtime.features(prepared(folder, picture(6)).feeds)
    assert runtime.greedy(BEFORE, other, AFTER, COUNT) != answer


@pytest.mark.weights
def test_the_folder_has_what_a_server_reads(converted: tuple[int, Path, Any]) -> None:
    from tests.convert.vision import tiny

    generation, folder, _ = converted
    assert sorted(path.name for path in folder.iterdir()) == ["out", "source"]
    card = json.loads((folder / "out" / "sllm.json").read_text())
    assert card["architecture"] == "hyperclovax_vlm"
    config = json.loads((folder / "out" / "config.json").read_text())
    # The tokenizer's name of the image's place; all else is as it was.
    assert config.pop("image_token") == "<|dummy3|>"
    assert config == tiny.config(generation, 262)
    names = {path.name for path in (folder / "out").iterdir()}
    assert names >= {"tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"}


@pytest.mark.weights
def test_the_decoder_s_logits_are_torch_s(converted: tuple[int, Path, Any]) -> None:
    """All rows at once, and in steps over the cache."""
    import torch

    from tests.convert.vision.loop import Folder

    model = converted[2]
    decoder = Folder(converted[1] / "out").decoder
    embeds = torch.randn(1, 9, 64, generator=torch.Generator().manual_seed(1)) * 0.1
    with torch.no_grad():
        logits = model.language(inputs_embeds=embeds).logits.numpy()
    past = {v.name: np.zeros((1, 2, 0, 16), np.float32) for v in decoder.get_inputs()[2:]}
    names = [value.name for value in decoder.get_outputs()]
    for steps in ([9], [4, 1, 4]):
        cache, done = dict(past), 0
        for new in steps:
            feeds = {"inputs_embeds": embeds[:, done : done + new].numpy(), **cache}
            feeds["attention_mask"] = np.ones((1, done + new), np.int64)
            given = dict(zip(names, decoder.run(None, feeds), strict=True))
            cache = {name: given[name.replace("past_key_values", "present")] for name in past}
            scale = np.abs(logits).max()
            found, wanted = given["logits"][0], logits[0, done : done + new]
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * max(1, scale))
            done += new


def main() -> None:
    from tests.convert.vision import tiny

    model = tiny.TinyHyperClovaX(262)
    feeds = HyperClovaX(tiny.config(1, 262), tiny.PREPROCESSOR).prepare(picture()).feeds
    features, answer = expected(model, feeds)
    tensors = {
        name: each.half().numpy()
        for name, each in model.tensors(doubled=True).items()
        if not name.startswith("language_model.")
    }
    np.savez_compressed(GOLDEN, **tensors, features=features, answer=np.array(answer))


if __name__ == "__main__":
    main()
