"""`sllm models`: listed, looked at, checked, removed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.weights import catalog, locate
from tests.cli.support import sllm
from tests.cli.terminal import Terminal
from tests.weights.gguf_builder import build
from tests.weights.onnx_builder import write_folder

# The models that the project was begun for.
ASKED_FOR = {
    "smollm2-135m-instruct",
    "qwen2.5-0.5b-instruct-onnx",
    "tinyllama-1.1b-chat-onnx",
    "qwen1.5-0.5b-chat",
    "phi-2",
    "mistral-7b-instruct-v0.2",
    "hyperclovax-seed-vision-3b",
}


def listed(environment: dict[str, str], folder: Path, *options: str) -> list[dict[str, Any]]:
    done = sllm(environment, folder, "models", "list", "--json", *options)
    assert done.returncode == 0, done.stderr
    models: list[dict[str, Any]] = json.loads(done.stdout)["models"]
    return models


def test_the_list_has_the_catalogue(environment: dict[str, str], tmp_path: Path) -> None:
    names = {model["name"] for model in listed(environment, tmp_path)}
    assert names == {entry.name for entry in catalog.entries()}
    assert names >= ASKED_FOR
    shown = sllm(environment, tmp_path, "models", "list").stdout
    assert [name for name in names if name not in shown] == []


def test_on_a_narrow_terminal_names_stay_whole(environment: dict[str, str], tmp_path: Path) -> None:
    with Terminal(environment, tmp_path, "models", "list") as terminal:
        assert terminal.end() == 0
    lines = terminal.lines
    assert [e.name for e in catalog.entries() if not any(e.name in line for line in lines)] == []


def test_only_what_speaks_korean(environment: dict[str, str], tmp_path: Path) -> None:
    korean = listed(environment, tmp_path, "--language", "ko")
    assert {"qwen3-0.6b", "kanana-1.5-2.1b-instruct"} <= {model["name"] for model in korean}
    assert all("ko" in model["languages"] for model in korean)


def test_all_tells_notes_and_leftovers(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "old.gguf.bad").write_bytes(b"x" * 2000)
    shown = sllm(environment, tmp_path, "models", "list", "--all").stdout
    assert "forbids commercial use" in shown
    assert "old.gguf.bad (2.0 kB)" in shown
    assert sllm(environment, tmp_path, "models", "list").stdout.count("old.gguf") == 0


def test_what_is_here(environment: dict[str, str], tmp_path: Path) -> None:
    assert listed(environment, tmp_path, "--here") == []
    write_folder(tmp_path / "converted" / "mine-int8")
    (model,) = listed(environment, tmp_path, "--here")
    assert (model["name"], model["source"]) == ("mine-int8", "sllm convert")


def test_info_of_a_file(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(build())
    done = sllm(environment, tmp_path, "models", "info", "tiny.gguf", "--json")
    facts = json.loads(done.stdout)
    assert (facts["architecture"], facts["format"]) == ("llama", "gguf")
    assert facts["memory"][0].keys() == {"context_length", "slots", "bytes"}
    assert facts["recommended"]["fits"] is True
    shown = sllm(environment | {"LANG": "ko_KR.UTF-8"}, tmp_path, "models", "info", "tiny.gguf")
    assert "지금 이 기기에서는" in shown.stdout


def test_info_of_a_folder(environment: dict[str, str], tmp_path: Path) -> None:
    write_folder(tmp_path / "mine")
    facts = json.loads(sllm(environment, tmp_path, "models", "info", "mine", "--json").stdout)
    assert facts["format"] == "onnx"


def test_what_was_converted_is_served_by_the_name_that_the_list_shows(
    environment: dict[str, str], tmp_path: Path
) -> None:
    write_folder(tmp_path / "converted" / "mine-int8")
    (shown,) = listed(environment, tmp_path, "--here")
    spec = locate(shown["name"], tmp_path)
    assert spec is not None
    assert Path(spec.path) == tmp_path / "converted" / "mine-int8" / "model.onnx"


def test_info_of_what_is_not_here(environment: dict[str, str], tmp_path: Path) -> None:
    done = sllm(environment, tmp_path, "models", "info", "phi-2")
    assert (done.returncode, "phi2" in done.stdout) == (0, True)
    assert "sllm models pull phi-2" in done.stderr


@pytest.mark.parametrize(("name", "words"), [("nowhere", "not on this machine"), ("", "")])
def test_info_of_nothing(
    environment: dict[str, str], tmp_path: Path, name: str, words: str
) -> None:
    done = sllm(environment, tmp_path, "models", "info", name)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_info_of_a_damaged_file_says_what_is_wrong(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "cut.gguf").write_bytes(build()[:-10])
    done = sllm(environment, tmp_path, "models", "info", "cut.gguf")
    assert done.returncode == 1
    assert "cut.gguf" in done.stderr


def test_check_finds_what_has_changed(environment: dict[str, str], tmp_path: Path) -> None:
    assert "no weights" in sllm(environment, tmp_path, "models", "check").stdout
    graph = write_folder(tmp_path / "converted" / "mine-int8")
    done = sllm(environment, tmp_path, "models", "check", "--json")
    assert (done.returncode, json.loads(done.stdout)["models"][0]["ok"]) == (0, True)
    graph.write_bytes(graph.read_bytes()[:-50])
    broken = sllm(environment, tmp_path, "models", "check", "mine-int8")
    assert broken.returncode == 1
    assert "sllm models remove --yes mine-int8" in broken.stdout


def test_check_hashes_what_the_catalogue_promises(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / catalog.default_entry().file).write_bytes(build())
    done = sllm(environment, tmp_path, "models", "check")
    assert done.returncode == 1
    assert "hash differs" in done.stdout
    assert "sllm models pull smollm2-135m-instruct" in done.stdout


def test_remove_asks_first(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "converted" / "mine-int8"
    write_folder(folder)
    kept = sllm(environment, tmp_path, "models", "remove", "mine-int8", piped="n\n")
    assert (kept.returncode, folder.exists()) == (1, True)
    gone = sllm(environment, tmp_path, "models", "remove", "mine-int8", piped="y\n")
    assert (gone.returncode, folder.exists()) == (0, False)
    again = sllm(environment, tmp_path, "models", "remove", "--yes", "mine-int8")
    assert again.returncode == 1


def test_remove_frees_leftovers_and_nothing_else(
    environment: dict[str, str], tmp_path: Path
) -> None:
    bad = tmp_path / "weights" / "old.gguf.bad"
    bad.parent.mkdir()
    bad.write_bytes(b"x")
    write_folder(tmp_path / "converted" / "mine-int8")
    assert sllm(environment, tmp_path, "models", "remove", "--leftovers", "-y").returncode == 0
    assert not bad.exists()
    assert (tmp_path / "converted" / "mine-int8").exists()
    assert sllm(environment, tmp_path, "models", "remove", "-y").returncode == 1


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", ".", "hf:../../x"])
def test_remove_stays_within_its_folder(
    environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "outside").write_bytes(b"x")
    inside = environment | {"DATA_DIR": str(tmp_path / "data")}
    assert sllm(inside, tmp_path, "models", "remove", "--yes", name).returncode == 1
    assert (tmp_path / "outside").exists()


@pytest.mark.weights
def test_the_embedded_weights_are_whole(
    environment: dict[str, str], tmp_path: Path, embedded: Any
) -> None:
    (tmp_path / "weights").mkdir()
    shutil.copy(embedded.path, tmp_path / "weights" / Path(embedded.path).name)
    done = sllm(environment, tmp_path, "models", "check", "smollm2-135m-instruct")
    assert done.returncode == 0, done.stdout
    facts = json.loads(
        sllm(environment, tmp_path, "models", "info", "smollm2-135m-instruct", "--json").stdout
    )
    assert facts["chat_template"] is True
    assert facts["context_length"] == 8192
