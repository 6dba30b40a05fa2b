"""`sllm models pull` from a hub: which files of a repository are taken, and what is said of it."""

import json
import re
from pathlib import Path

import pytest

from app.weights import catalog, ensure
from app.weights.errors import WeightsError
from app.weights.mmproj_files import pair
from app.weights.seeing import locate_seeing
from tests.cli.support import sllm
from tests.weights.entries import CONTENT
from tests.weights.gguf_builder import build
from tests.weights.hub_pages import COMMIT, HubPages
from tests.weights.onnx_builder import write_folder


def test_a_revision_a_file_and_a_quantization(
    environment: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    hub.files = {"a-Q3_K_S.gguf": build(), "a-Q8_0.gguf": CONTENT, "b-Q8_0.gguf": CONTENT}
    hub.publish("v1")
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    free = sllm(settings, tmp_path, "models", "pull", "hf:maker/tiny")
    assert (free.returncode, "hf:maker/tiny:a-Q3_K_S.gguf" in free.stderr) == (1, True)
    named = ["hf:maker/tiny:Q3_K_S", "hf:maker/tiny:a-Q8_0.gguf", "hf:maker/tiny:none.gguf"]
    codes = [
        sllm(settings, tmp_path, "models", "pull", "--revision", "v1", each).returncode
        for each in named
    ]
    assert codes == [0, 0, 1]
    record = json.loads((tmp_path / "hub" / "maker--tiny" / "pulled.json").read_text())
    assert [(each["serve"], each["revision"], each["commit"]) for each in record] == [
        ("a-Q3_K_S.gguf", "v1", COMMIT),
        ("a-Q8_0.gguf", "v1", COMMIT),
    ]
    assert sllm(settings, tmp_path, "models", "remove", "-y", named[1]).returncode == 0
    assert [path.name for path in tmp_path.glob("hub/*/*.gguf")] == ["a-Q3_K_S.gguf"]
    assert sllm(settings, tmp_path, "models", "remove", "-y", "maker/tiny").returncode == 0
    assert not (tmp_path / "hub" / "maker--tiny").exists()


def test_all_parts_and_on_request_the_projector(
    environment: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    parts = {f"big-Q4_K_M-0000{number}-of-00002.gguf": build() for number in (1, 2)}
    hub.files = parts | {"mmproj-F16.gguf": b"f" * 10, "mmproj-BF16.gguf": b"b" * 10}
    hub.publish()
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    folder = tmp_path / "hub" / "maker--tiny"
    assert sllm(settings, tmp_path, "models", "pull", "hf:maker/tiny").returncode == 0
    assert {path.name for path in folder.glob("*.gguf")} == set(parts)
    done = sllm(settings, tmp_path, "models", "pull", "--vision", "hf:maker/tiny")
    told = re.search(r"VISION_MODEL_PATH=(\S+) sllm serve", done.stdout)
    assert told
    first = folder / "big-Q4_K_M-00001-of-00002.gguf"
    assert pair(locate_seeing(told[1], tmp_path)) == (first, folder / "mmproj-F16.gguf")
    assert {path.name for path in folder.glob("*.gguf")} == {*parts, "mmproj-F16.gguf"}


def test_an_onnx_repository_comes_with_its_companions(
    environment: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    write_folder(source)
    hub.files = {
        file.relative_to(source).as_posix(): file.read_bytes()
        for file in source.rglob("*")
        if file.is_file()
    }
    hub.publish()
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    done = sllm(settings, tmp_path, "models", "pull", "hf:maker/tiny")
    assert done.returncode == 0, done.stderr
    info = json.loads(sllm(settings, tmp_path, "models", "info", "hf:maker/tiny", "--json").stdout)
    assert info["format"] == "onnx"


def test_safetensors_say_how_to_convert_them(
    environment: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    hub.files = {"model.safetensors": b"x" * 100, "config.json": b"{}", "a.py": b"evil"}
    hub.publish()
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    done = sllm(settings, tmp_path, "models", "pull", "hf:maker/tiny")
    assert f"sllm convert {tmp_path}/hub/maker--tiny" in done.stdout
    assert not (tmp_path / "hub" / "maker--tiny" / "a.py").exists()
    with pytest.raises(WeightsError, match="must be converted once"):
        ensure("hf:maker/tiny", tmp_path)


def test_an_entry_without_a_checksum_is_fetched_on_the_hubs_word(
    environment: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    entry = catalog.find("qwen1.5-0.5b-chat")
    assert entry is not None
    assert entry.hub is not None
    hub.repo, hub.files = entry.hub.repo, {entry.hub.file: build()}
    hub.publish()
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    done = sllm(settings, tmp_path, "models", "pull", entry.name)
    assert (done.returncode, "the hub's own is used" in done.stderr) == (0, True)
    assert ensure(entry.name, tmp_path).id == entry.name


def test_a_repository_of_the_catalogue_says_its_conversion(
    environment: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    entry = catalog.find("hyperclovax-seed-vision-3b")
    assert entry is not None
    assert entry.repository is not None
    hub.repo = entry.repository.repo
    hub.files = {"model.safetensors": b"x", "config.json": b"{}", "preprocessor_config.json": b"{}"}
    hub.publish()
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    done = sllm(settings, tmp_path, "models", "pull", entry.name)
    assert " --vision --output " in done.stdout
    assert entry.file in done.stdout


@pytest.mark.parametrize(
    "name", ["nope", "a/b/c", "hf:", "hf:../x", "hf:a/b:../../x", "a/b:/etc/x"]
)
def test_a_name_that_is_none_is_told(there: dict[str, str], tmp_path: Path, name: str) -> None:
    done = sllm(there, tmp_path, "models", "pull", name)
    assert (done.returncode, "There is no model called" in done.stderr) == (1, True)


def test_a_hub_cannot_write_elsewhere(
    environment: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    hub.files = {"../../evil.gguf": build(), "/abs.gguf": build(), "ok.gguf": build()}
    hub.publish()
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    assert sllm(settings, tmp_path, "models", "pull", "hf:maker/tiny").returncode == 0
    assert [path.name for path in tmp_path.rglob("*.gguf")] == ["ok.gguf"]
