"""Decoders of onnxruntime-genai's builder, whose cache is written in place: through discovery and
planning, as users start them.
"""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.engine.backends.onnx import OnnxBackend
from app.provider.vision_plan import vision_spec
from app.weights.task import Task

pytest.importorskip("torch", reason="PyTorch, which exports the models, comes with ./test.sh")
pytest.importorskip("onnxruntime_genai", reason="it comes with the extra 'convert'")
from tests.engine.onnx.folders import end_of, run, tokens_of
from tests.engine.onnx.vision import families
from tests.engine.onnx.vision.checkpoints import Checkpoint
from tests.engine.onnx.vision.test_whole import COUNT, GREEDY, Turn, expected, messages

pytestmark = pytest.mark.filterwarnings("ignore")


def with_builder(made: Checkpoint, source: Path) -> Checkpoint:
    """The decoder that the builder makes of the folder `source`."""
    target = made.folder / "built"
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(made.folder / name, source / name)
    template = made.spec.onnx.chat_template if made.spec.onnx else ""
    (made.folder / "chat_template.jinja").write_text(template)
    command = [sys.executable, "-P", "-m", "onnxruntime_genai.models.builder"]
    command += ["-i", str(source), "-o", str(target), "-p", "fp32", "-e", "cpu"]
    command += ["-c", str(made.folder / "cache")]
    command += ["--extra_options", "exclude_embeds=true", "hf_token=false"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (made.folder / "decoder_model_merged.onnx").unlink()
    for name in ("model.onnx", "model.onnx.data", "genai_config.json"):
        (target / name).rename(made.folder / name)
    return made


@pytest.fixture(scope="module", params=["llava", "qwen2_5_vl"])
def checkpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    folder = tmp_path_factory.mktemp(request.param)
    source = folder / "source"
    make: Any = families.llava if request.param == "llava" else families.qwen
    made: Checkpoint = make(folder, save=source)
    return with_builder(made, source)


async def test_as_users_start_it(checkpoint: Checkpoint, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, context_length=512, parallel_slots=4, use_gpu="false")
    spec = vision_spec(str(checkpoint.folder), tmp_path, settings, Task())
    assert spec.vision is not None
    assert Path(spec.path).name == "model.onnx"
    backend = OnnxBackend.load(spec)
    assert backend._batch._graph.in_place
    backend._end_tokens = frozenset()
    backend._batch.chunk = 16
    await backend.open()
    asked: list[list[Turn]] = [
        [("user", [checkpoint.picture(70, 50)], "What is it?")],
        [("user", [], "Tell me about Seoul. " * 4)],
        [("user", [checkpoint.picture(40, 40), checkpoint.picture(20, 66)], "Compare.")],
    ]
    prompts = [await backend.prompt(messages(turns)) for turns in asked]
    together = await asyncio.gather(
        *(run(backend, prompt, GREEDY, slot) for slot, prompt in enumerate(prompts))
    )
    for events, turns in zip(together, asked, strict=True):
        assert tokens_of(events) == expected(checkpoint, turns)
    answer = tokens_of(together[2])
    again = [*prompts[2], *answer[:-1], *await backend.tokens(" And now?")]
    events = await run(backend, again, GREEDY, slot=2, reuse=True)
    assert end_of(events).cached_tokens == len(prompts[2]) + COUNT - 1
    whole = [*checkpoint.prompt(asked[2]), *again[len(prompts[2]) :]]
    images = [checkpoint.pictures[each.sha256] for each in asked[2][0][1]]
    assert tokens_of(events) == checkpoint.generate(whole, images, COUNT)
    await backend.close()
