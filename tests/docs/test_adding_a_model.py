"""docs/adding-a-model.md is followed with small weights in the place of the reader's."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.weights import ModelSpec, catalog
from tests.api.tiny_gguf import write_gguf
from tests.converted import require_extra
from tests.docs.conftest import ReadmeServer
from tests.docs.markdown import ROOT, Block, blocks

PAGE = ROOT / "docs" / "adding-a-model.md"
GGUF, ONNX = blocks(PAGE, "bash model serve")
[TEMPLATE] = blocks(PAGE, "jinja chat_template.jinja")
[SEEING] = blocks(PAGE, "bash model see")


@contextmanager
def served(block: Block, folder: Path, **settings: str) -> Iterator[ReadmeServer]:
    """The server that a block starts, with its paths below `folder`."""
    words = shlex.split(block.text)
    while "=" in words[0]:
        name, _, path = words.pop(0).partition("=")
        settings[name] = str(folder / path)
    program, command, *options = words
    assert (program, command) == (".venv/bin/sllm", "serve")
    options = [str(folder / each) if "/" in each else each for each in options]
    server = ReadmeServer(folder, folder, *options, **settings)
    try:
        server.wait()
        yield server
    finally:
        code = server.stop()
    assert code == 0, server.log


def ask(block: Block, server: ReadmeServer) -> Any:
    """What the command of a block prints, as JSON."""
    return json.loads(shell(block.on_port(server.port), server.folder))


def shell(script: str, folder: Path) -> str:
    """In an active environment of the checkout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.weights
def test_a_gguf_file_is_served_and_asked(tmp_path: Path, embedded: ModelSpec) -> None:
    (tmp_path / "models" / "gguf").mkdir(parents=True)
    (tmp_path / "models" / "gguf" / "my-model.gguf").symlink_to(embedded.path)
    health, tokens = blocks(PAGE, "bash model ask")
    with served(GGUF, tmp_path) as server:
        text = ask(health, server)["models"]["text"]
        assert (text["status"], text["id"], text["architecture"]) == ("ready", "my-model", "llama")
        assert text["context_length"] <= text["training_context_length"]
        assert ask(tokens, server)["tokens"] > 2


@pytest.mark.weights
def test_an_onnx_folder_is_served_with_the_template_beside_it(
    tmp_path: Path, smollm2_int8: Path
) -> None:
    folder = tmp_path / "models" / "onnx" / "my-model"
    shutil.copytree(smollm2_int8, folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE.text)
    with served(ONNX, tmp_path) as server:
        health = httpx.get(f"{server.url}/health").json()
        assert health["models"]["text"]["format"] == "onnx"
        assert not any("chat template" in warning for warning in health["warnings"])
        [_, tokens] = blocks(PAGE, "bash model ask")
        # Between them <|im_start|>, <|im_end|> and <|im_start|>.
        texts = ("user\nHi", "\n", "assistant\n")
        assert ask(tokens, server)["tokens"] == 3 + sum(count(text, server) for text in texts)


def count(text: str, server: ReadmeServer) -> int:
    answer = httpx.post(f"{server.url}/api/v4/tokenize", json={"text": text})
    tokens: int = answer.json()["tokens"]
    return tokens


def test_a_gguf_file_gets_another_template(tmp_path: Path) -> None:
    require_extra()
    [block] = blocks(PAGE, "bash model template")
    write_gguf(tmp_path / "my-model.gguf", "llama")
    (tmp_path / "chat_template.jinja").write_text(TEMPLATE.text)
    shell(block.text, tmp_path)
    assert TEMPLATE.text.encode() in (tmp_path / "my-model-chat.gguf").read_bytes()


def test_an_entry_of_the_catalogue_is_one(tmp_path: Path) -> None:
    [block] = blocks(PAGE, "json catalog")
    [entry] = catalog.decode(f"[{block.text}]".encode())
    assert catalog.find(entry.name) is None
    optional = {"chat", "default", "notes", "served_as"}
    assert json.loads(block.text).keys() == {*catalog.CatalogEntry.__struct_fields__} - optional


def test_the_facts_of_a_file_are_printed(tmp_path: Path) -> None:
    [block] = blocks(PAGE, "bash model facts")
    (tmp_path / "my-model.gguf").write_bytes(b"weights")
    sha256, size = shell(block.text, tmp_path).splitlines()
    assert sha256.split()[0] == hashlib.sha256(b"weights").hexdigest()
    assert size == "7"


@pytest.mark.weights
def test_a_model_that_sees_is_served(tmp_path: Path) -> None:
    [look] = blocks(PAGE, "bash model look")
    (tmp_path / "app").symlink_to(ROOT / "app")
    with served(SEEING, tmp_path, SLLM_MODEL_PATH="scripted") as server:
        told = ask(look, server)
        assert (told["status"], told["format"]) == ("ready", "gguf")
        assert told["image"]["tokens_per_image"]["max"] >= 64
