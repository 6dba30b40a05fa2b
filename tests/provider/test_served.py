"""Which form of the weights a server takes: better ones where they can be had, and never none."""

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.config import Settings
from app.engine.spec import EngineSpec
from app.provider import served
from app.provider.plan import compute_threads
from app.provider.served import best
from app.provider.sllm_provider import spec
from app.tuned import choice as choices
from app.tuned.choice import Choice
from app.tuned.machine import this_machine
from app.weights import ModelSpec, WeightsError, requantized
from app.weights.catalog import CatalogEntry
from app.weights.task import Task
from tests.api.tiny_gguf import write_gguf
from tests.weights.entries import entry_of

Edit = dict[str, Any]


@pytest.fixture
def weights(tmp_path: Path) -> ModelSpec:
    path = write_gguf(tmp_path / "tiny.gguf", "llama")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return ModelSpec(id="tiny", path=str(path), sha256=sha256)


@pytest.fixture
def advised(weights: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """The same as an entry of the catalogue that is better served in eight bits."""
    entry = msgspec.structs.replace(entry_of(Path(weights.path).read_bytes()), served_as="Q8_0")

    def find(name: str) -> CatalogEntry | None:
        return entry if name == entry.name else None

    monkeypatch.setattr(served, "find", find)
    return msgspec.structs.replace(weights, entry="tiny")


def choose(weights: ModelSpec, data_dir: Path, **changes: Any) -> Choice:
    facts = Path(weights.path).stat()
    made = Choice(
        revision=choices.REVISION,
        path=weights.path,
        size=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
        sha256=weights.sha256 or "",
        machine=this_machine(compute_threads()),
        kind="gguf",
        form="Q4_0",
        threads=1,
        batch=64,
    )
    made = msgspec.structs.replace(made, **changes)
    choices.keep(made, data_dir)
    return made


def planned(weights: ModelSpec, data_dir: Path, **changes: Any) -> EngineSpec:
    found = Settings(sllm_model_path=weights.path, data_dir=data_dir, use_gpu="false", **changes)
    return spec(data_dir, found, Task())


def test_weights_of_the_user_are_served_as_they_came(weights: ModelSpec, tmp_path: Path) -> None:
    assert best(weights, tmp_path, Task()) == served.Served(weights)


def test_advised_ones_are_requantised_and_say_so(advised: ModelSpec, tmp_path: Path) -> None:
    found = best(advised, tmp_path, Task())
    assert Path(found.weights.path).parent == tmp_path / "requantized"
    assert (found.weights.made_from, found.weights.id) == ("F32", "tiny")
    told = found.applied(EngineSpec("llama", "", "tiny", "")).told
    assert (told, found.notices) == ({"made_from": "F32"}, ())


def test_what_cannot_be_made_falls_back(
    advised: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> Path:
        raise WeightsError("weights_requantize_failed", file="tiny.gguf", reason="no room")

    monkeypatch.setattr(requantized, "make", fails)
    found = best(advised, tmp_path, Task())
    assert found.weights == advised
    texts = [notice.text for notice in found.notices]
    assert texts == ["weights_as_they_came", "weights_requantize_failed"]


def test_a_choice_is_served_with_its_settings(weights: ModelSpec, tmp_path: Path) -> None:
    assert weights.sha256 is not None
    copy = requantized.make(Path(weights.path), weights.sha256, "Q4_0", tmp_path, Task())
    choose(weights, tmp_path)
    made = planned(weights, tmp_path)
    assert (made.path, made.threads, made.batch) == (str(copy), 1, 64)
    assert (made.quantization, made.told) == ("Q4_0", {"made_from": "F32", "tuned": True})
    plain = planned(weights, tmp_path, tuned=False)
    assert (plain.path, plain.batch, plain.told) == (weights.path, 128, {})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "tuned_missing"),
        ({"kind": "onnx", "form": "/nowhere"}, "tuned_missing"),
        ({"form": "Q2_K"}, "tuned_missing"),
        ({"size": 1}, "tuned_other_weights"),
        ({"machine": this_machine(4000)}, "tuned_elsewhere"),
        ({"revision": 0}, "tuned_unreadable"),
    ],
)
def test_a_choice_that_does_not_hold_is_ignored_with_a_notice(
    weights: ModelSpec, tmp_path: Path, changes: Edit, text: str
) -> None:
    choose(weights, tmp_path, **changes)
    made = planned(weights, tmp_path)
    assert (made.path, made.batch) == (weights.path, 128)
    assert [notice.text for notice in made.notices] == [text]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"threads": 0}', b"{" * 9999])
def test_a_choice_that_cannot_be_read_is_ignored_with_a_notice(
    weights: ModelSpec, tmp_path: Path, content: bytes
) -> None:
    path = choices.file_for(Path(weights.path), tmp_path)
    path.parent.mkdir()
    path.write_bytes(content)
    assert [notice.text for notice in planned(weights, tmp_path).notices] == ["tuned_unreadable"]


def test_a_folder_in_the_place_of_a_choice_is_ignored(weights: ModelSpec, tmp_path: Path) -> None:
    choices.file_for(Path(weights.path), tmp_path).mkdir(parents=True)
    assert [notice.text for notice in planned(weights, tmp_path).notices] == ["tuned_unreadable"]


def test_a_form_that_cannot_be_served_gives_way_to_the_source(
    weights: ModelSpec, tmp_path: Path
) -> None:
    assert weights.sha256 is not None
    copy = requantized.make(Path(weights.path), weights.sha256, "Q4_0", tmp_path, Task())
    choose(weights, tmp_path)
    whole = copy.read_bytes()
    facts = copy.stat()
    copy.write_bytes(whole[:200] + bytes(len(whole) - 200))
    os.utime(copy, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    made = planned(weights, tmp_path)
    assert made.path == weights.path
    assert made.notices[0].text == "weights_as_they_came"
