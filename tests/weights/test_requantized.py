"""Copies of GGUF files in another format: made once, by one process, whole or not at all."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from app.weights import CancelledError, WeightsError, requantized
from app.weights.inventory import leftovers
from app.weights.preflight import check
from app.weights.requantize import requantize
from app.weights.spec import Form
from app.weights.task import Task
from tests.api.tiny_gguf import write_gguf
from tests.weights.conftest import Recorder

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from pathlib import Path
from app.weights import requantized
from app.weights.task import Task
print(requantized.make(Path(sys.argv[1]), sys.argv[2], "Q8_0", Path(sys.argv[3]), Task()))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", "llama")


@pytest.fixture(scope="module")
def sha256(source: Path) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest()


def child(source: Path, sha256: str, data: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CHILD, str(source), sha256, str(data)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("form", requantized.FORMS)
def test_a_copy_is_whole_and_says_its_format(source: Path, tmp_path: Path, form: Form) -> None:
    copy = tmp_path / "copy.gguf"
    requantize(source, copy, form)
    before, after = check(source), check(copy)
    assert after.quantization == form
    assert after.tensor_bytes < before.tensor_bytes
    same = ("architecture", "parameters", "context_length", "chat_template", "control_tokens")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]


def test_the_weights_stay_what_they_were(source: Path, tmp_path: Path) -> None:
    import gguf

    copy = tmp_path / "copy.gguf"
    requantize(source, copy, "Q8_0")
    old = {each.name: each for each in gguf.GGUFReader(source).tensors}
    for tensor in gguf.GGUFReader(copy).tensors:
        before = np.array(old[tensor.name].data, np.float32)
        after = gguf.dequantize(tensor.data, tensor.tensor_type)
        assert np.abs(before - after).max() <= np.abs(before).max() / 127, tensor.name


def test_it_is_made_once(
    source: Path, sha256: str, tmp_path: Path, task: Task, recorder: Recorder
) -> None:
    made = requantized.make(source, sha256, "Q8_0", tmp_path, task)
    time = made.stat().st_mtime_ns
    assert requantized.make(source, sha256, "Q8_0", tmp_path, task) == made
    assert requantized.present(source, sha256, "Q8_0", tmp_path) == made
    assert (made.stat().st_mtime_ns, recorder.texts) == (time, ["weights_requantizing"])


@pytest.mark.parametrize("damage", ["cut", "replaced", "no record", "other record"])
def test_what_is_not_what_was_made_is_made_anew(
    source: Path, sha256: str, tmp_path: Path, damage: str
) -> None:
    made = requantized.make(source, sha256, "Q8_0", tmp_path, Task())
    whole = made.read_bytes()
    record = made.with_name(made.name + ".json")
    match damage:
        case "cut":
            made.write_bytes(whole[:1000])
        case "replaced":
            made.write_bytes(bytes(len(whole)))
        case "no record":
            record.unlink()
        case "other record":
            record.write_text('{"source_sha256": 1}')
    assert requantized.present(source, sha256, "Q8_0", tmp_path) is None
    assert requantized.make(source, sha256, "Q8_0", tmp_path, Task()).read_bytes() == whole


def test_two_servers_on_one_folder_make_it_together(
    source: Path, sha256: str, tmp_path: Path
) -> None:
    both = [child(source, sha256, tmp_path) for _ in range(2)]
    told = [each.communicate()[0].strip() for each in both]
    assert told[0] == told[1]
    assert check(Path(told[0])).quantization == "Q8_0"
    assert list(tmp_path.glob("requantized/.*.partial")) == []


def test_killed_in_the_middle_it_is_made_by_the_next(
    source: Path, sha256: str, tmp_path: Path
) -> None:
    killed = child(source, sha256, tmp_path)
    folder = tmp_path / "requantized"
    while killed.poll() is None and not list(folder.glob(".*.lock")):
        os.sched_yield()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    (folder / f".{requantized.path_of(source, sha256, 'Q8_0', tmp_path).name}.1.partial").touch()
    assert len(leftovers(tmp_path)) >= 1
    made = requantized.make(source, sha256, "Q8_0", tmp_path, Task())
    assert check(made).quantization == "Q8_0"


def test_a_place_that_cannot_be_written_is_told(source: Path, sha256: str, tmp_path: Path) -> None:
    (tmp_path / "requantized").write_text("a file where a folder should be")
    with pytest.raises(WeightsError) as refused:
        requantized.make(source, sha256, "Q8_0", tmp_path, Task())
    assert refused.value.text == "weights_disk_error"


def test_a_full_disk_is_told(
    source: Path, sha256: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(WeightsError) as refused:
        requantized.make(source, sha256, "Q8_0", tmp_path, Task())
    assert refused.value.text == "weights_disk_full"


def test_what_cannot_be_read_is_told(tmp_path: Path, source: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(source.read_bytes()[:-100])
    with pytest.raises(WeightsError):
        requantized.make(damaged, "0" * 64, "Q8_0", tmp_path, Task())
    assert list(tmp_path.glob("requantized/*.gguf")) == []


def test_stopped_on_purpose_it_leaves_nothing(source: Path, sha256: str, tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        requantized.make(source, sha256, "Q8_0", tmp_path, Task(cancel=cancel))
    assert [path.name for path in tmp_path.glob("requantized/*") if "lock" not in path.name] == []
