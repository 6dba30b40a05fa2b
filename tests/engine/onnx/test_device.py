"""Where a graph runs: the GPU's path as far as a machine without one can take it, and what is said
when it cannot be taken. onnxruntime's own tensors on the CPU stand in for a GPU's memory.
"""

from pathlib import Path
from typing import Any

import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as native

from app.domain.options import GenerationOptions
from app.engine.backends.base import LoadError
from app.engine.backends.onnx import GPU_BATCH, OnnxBackend
from app.engine.onnx import loading, memory, session
from app.engine.onnx.loading import load
from app.i18n import LANGUAGES, messages
from tests.engine.onnx.folders import run, spec_of, tokens_of
from tests.engine.onnx.test_graphs import PROMPTS, VARIANTS, setup
from tests.engine.onnx.tiny import WINDOW

KEYS = ("onnx_gpu_build", "onnx_gpu_driver", "onnx_gpu_graph", "onnx_gpu_memory")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that says it has a GPU, whose memory is this machine's."""
    on_cpu, tensor = session.open_session, session.device_tensor
    monkeypatch.setattr(loading, "has_gpu", lambda: True)
    monkeypatch.setattr(loading, "open_session", lambda path, threads, _: on_cpu(path, threads))
    monkeypatch.setattr(
        memory, "device_tensor", lambda shape, element, _: tensor(shape, element, "cpu")
    )
    place = memory.DeviceMemory.place
    monkeypatch.setattr(
        memory.DeviceMemory, "place", lambda *which: place(*which)._replace(device="cpu")
    )


def test_a_full_idle_slot_forgets_its_last_token_only(tmp_path: Path) -> None:
    """A run that passes over it writes one token behind what it holds."""
    ready = setup(tmp_path, VARIANTS["grouped"], device="cpu")
    for slot in (0, 2):
        ready.start(slot, PROMPTS[slot], 8)
    ready.slots.tokens[1] = list(range(WINDOW))
    ready.work()
    assert ready.slots.tokens[1] == list(range(WINDOW - 1))
    assert ready.slots.length(3) == 0


def test_every_reason_has_words() -> None:
    for language in LANGUAGES:
        assert {*KEYS, *(f"{key}_required" for key in KEYS)} <= set(messages()[language])


@pytest.mark.weights
def test_the_build_for_cpus_says_so_when_a_gpu_is_wanted(
    smollm2_int8: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "NVIDIA", tmp_path / "none")
    assert load(spec_of(smollm2_int8, tmp_path, use_gpu="auto"), 64).notices == ()
    wanted = load(spec_of(smollm2_int8, tmp_path, use_gpu="true"), 64)
    assert (wanted.device, wanted.notices[0].text) == ("cpu", "onnx_gpu_build")
    monkeypatch.setattr(loading, "NVIDIA", tmp_path)
    there = load(spec_of(smollm2_int8, tmp_path, use_gpu="auto"), 64)
    assert (there.device, there.notices[0].text) == ("cpu", "onnx_gpu_build")
    with pytest.raises(LoadError) as caught:
        load(spec_of(smollm2_int8, tmp_path, use_gpu="required"), 64)
    assert caught.value.text == "onnx_gpu_build_required"


@pytest.mark.weights
def test_a_provider_that_cannot_be_set_up_is_no_gpu(
    smollm2_int8: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the build for CPUs onnxruntime passes over CUDA as it does without a driver."""
    monkeypatch.setattr(loading, "has_gpu", lambda: True)
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"):
        loaded = load(spec_of(smollm2_int8, tmp_path, use_gpu="true"), 64)
    assert (loaded.device, loaded.notices[0].text) == ("cpu", "onnx_gpu_driver")


@pytest.mark.weights
@pytest.mark.usefixtures("gpu")
def test_a_graph_for_cpus_stays_on_the_cpu(smollm2_int8: Path, tmp_path: Path) -> None:
    loaded = load(spec_of(smollm2_int8, tmp_path, use_gpu="auto"), 64)
    assert (loaded.device, loaded.notices[0].text) == ("cpu", "onnx_gpu_graph")


@pytest.mark.weights
@pytest.mark.usefixtures("gpu")
async def test_a_graph_for_gpus_runs_in_their_memory(smollm2_cuda: Path, tmp_path: Path) -> None:
    """Converted with `--device cuda`; the same answers from rows that stay and rows that move."""
    options = GenerationOptions(temperature=0, max_tokens=12)
    answers: list[Any] = []
    for use_gpu in ("required", "false"):
        backend = OnnxBackend.load(spec_of(smollm2_cuda, tmp_path, use_gpu=use_gpu))
        expected = ("cuda:0", 30, GPU_BATCH) if use_gpu == "required" else ("cpu", 0, 128)
        facts = backend.info
        assert (facts.device, facts.gpu_layers, facts.settings["batch"]) == expected
        await backend.open()
        prompts = [await backend.tokens(text) for text in ("Once upon a time", "안녕하세요")]
        answers.append(
            [
                tokens_of(await run(backend, each, options, slot))
                for slot, each in zip((0, 2), prompts, strict=True)
            ]
        )
        await backend.close()
    assert answers[0] == answers[1]


@pytest.mark.weights
@pytest.mark.usefixtures("gpu")
def test_too_little_memory_falls_back(
    smollm2_cuda: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise native.RuntimeException("CUDA failure 2: out of memory")

    monkeypatch.setattr(memory, "device_tensor", refuse)
    loaded = load(spec_of(smollm2_cuda, tmp_path, use_gpu="true"), 64)
    assert (loaded.device, loaded.notices[0].text) == ("cpu", "onnx_gpu_memory")
