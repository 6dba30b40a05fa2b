"""What `/health` says while a model loads, when it cannot, and when it then can."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.weights import ModelSpec
from tests.support import Server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server on a path, whether or not it can be loaded."""
    servers = []

    def start_server(path: Path, **settings: str) -> Server:
        server = Server(tmp_path, {"SLLM_MODEL_PATH": str(path), **settings})
        servers.append(server)
        return server

    yield start_server
    for server in servers:
        server.stop()


BAD_FILES = {
    "html": (b"<!DOCTYPE html><html><body>Not found</body></html>", "web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git"),
    "noise": (b"\x00\x01\x02 this is not a model" * 100, "not a GGUF"),
    "empty": (b"", "empty"),
    "onnx": (b"\x08\x07\x12\x07pytorch" + b"\0" * 100, ""),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_is_no_model_is_named_in_plain_words(
    start: Callable[..., Server], tmp_path: Path, kind: str
) -> None:
    content, words = BAD_FILES[kind]
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    server = start(path)
    model = server.wait_for("unavailable")["models"]["text"]
    assert model["status"] == "failed"
    assert words.lower() in model["reason"].lower()
    assert str(tmp_path) not in str(server.health())
    refused = server.chat("Hi")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    assert server.http.get("/health").status_code == 503
    assert server.http.get("/health/ready").status_code == 503
    assert server.http.get("/health/live").status_code == 200
    korean = server.http.get("/health", headers={"Accept-Language": "ko"}).json()
    assert korean["models"]["text"]["reason"] != model["reason"]


def test_a_missing_file_and_an_unknown_name_say_what_there_is(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    reason = start(tmp_path / "no-such.gguf").wait_for("unavailable")["models"]["text"]["reason"]
    assert "smollm2-135m-instruct" in reason


@pytest.mark.weights
def test_a_truncated_file_says_how_much_is_missing_and_heals(
    start: Callable[..., Server], tmp_path: Path, embedded: ModelSpec
) -> None:
    path = tmp_path / "weights.gguf"
    path.write_bytes(Path(embedded.path).read_bytes()[:-1000])
    server = start(path)
    reason = server.wait_for("unavailable")["models"]["text"]["reason"]
    assert "1000 bytes are missing" in reason
    whole = tmp_path / "whole"
    shutil.copyfile(embedded.path, whole)
    whole.replace(path)
    server.wait_for("ok")
    assert server.chat("Hi", max_tokens=3).status_code == 200


@pytest.mark.weights
def test_an_architecture_that_the_library_does_not_know_is_named(
    start: Callable[..., Server], tmp_path: Path, embedded: ModelSpec
) -> None:
    data = bytearray(Path(embedded.path).read_bytes())
    at = data.index(b"general.architecture") + len("general.architecture") + 4 + 8
    assert data[at : at + 5] == b"llama"
    data[at : at + 5] = b"lmaxx"
    path = tmp_path / "odd.gguf"
    path.write_bytes(data)
    reason = start(path).wait_for("unavailable")["models"]["text"]["reason"]
    assert "lmaxx" in reason


@pytest.mark.weights
def test_too_much_memory_is_refused_with_numbers(
    start: Callable[..., Server], embedded: ModelSpec
) -> None:
    server = start(Path(embedded.path), CONTEXT_LENGTH="8192", PARALLEL_SLOTS="256")
    reason = server.wait_for("unavailable")["models"]["text"]["reason"]
    assert "GB" in reason
    assert "CONTEXT_LENGTH" in reason


def test_an_unreadable_path_does_not_hang(start: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "pipe.gguf"
    os.mkfifo(path)
    assert start(path).wait_for("unavailable")["models"]["text"]["status"] == "failed"


def test_a_required_gpu_that_is_not_there_refuses_the_start(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(tmp_path / "whatever.gguf", USE_GPU="required")
    assert server.process.wait(60) != 0
    assert "USE_GPU=required" in server.log


@pytest.mark.weights
def test_a_wished_gpu_that_is_not_there_is_told_where_nobody_misses_it(
    start: Callable[..., Server], embedded: ModelSpec
) -> None:
    server = start(Path(embedded.path), USE_GPU="true")
    health = server.wait_for("ok")
    assert health["models"]["text"]["device"] == "cpu"
    assert any("GPU" in warning for warning in health["warnings"])
    assert "GPU" in server.log


def test_health_is_answered_while_the_model_loads(
    start: Callable[..., Server], embedded: ModelSpec
) -> None:
    server = start(Path(embedded.path))
    body = server.wait_for("loading")
    assert body["models"]["text"]["status"] == "loading"
    refused = server.chat("too early")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_loading")
    server.wait_for("ok")


# What a download that went wrong leaves in a folder of ONNX weights, and a word of the reason.
BROKEN_FOLDERS = {
    "model.onnx": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git"),
    "tokenizer.json": (b"<!DOCTYPE html><html>", "tokenizer.json"),
    "chat_template.jinja": (b"{% for a in range(99999) %}{{ 'x' * 9999 }}{% endfor %}", "template"),
}


@pytest.mark.parametrize("name", BROKEN_FOLDERS)
def test_a_broken_onnx_folder_is_named_and_heals(
    start: Callable[..., Server], tmp_path: Path, name: str
) -> None:
    pytest.importorskip("onnx", reason="onnx, which writes the graph, comes with 'convert'")
    from tests.engine.onnx.tiny_folder import write_tiny

    content, word = BROKEN_FOLDERS[name]
    folder, aside = tmp_path / "tiny", tmp_path / "aside"
    folder.mkdir()
    write_tiny(folder)
    if (folder / name).exists():
        shutil.copyfile(folder / name, aside)
    (folder / name).write_bytes(content)
    server = start(folder)
    model = server.wait_for("unavailable")["models"]["text"]
    assert model["status"] == "failed"
    assert word in model["reason"]
    assert str(tmp_path) not in str(server.health())
    korean = server.http.get("/health", headers={"Accept-Language": "ko"}).json()
    assert korean["models"]["text"]["reason"] != model["reason"]
    refused = server.chat("Hi")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_unavailable")
    assert server.http.get("/health/live").status_code == 200
    if aside.exists():
        aside.replace(folder / name)
    else:
        (folder / name).unlink()
    server.wait_for("ok")
    assert server.chat("Hi", max_tokens=3).status_code == 200
    assert "Traceback" not in server.log
