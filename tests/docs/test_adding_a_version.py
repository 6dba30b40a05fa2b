"""docs/adding-a-version.md is followed, step by step, in a copy of this checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.docs.export import FOLDER
from tests.docs.markdown import ROOT, Block, blocks
from tests.support import running

PAGE = ROOT / "docs" / "adding-a-version.md"
BLOCKS = blocks(PAGE)
COPIED = ("app", "tests", "api_docs", "docs", "pyproject.toml", "export_docs.py")
SEES = {"SLLM_MODEL_PATH": "scripted", "VISION_MODEL_PATH": "scripted"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout after the last step but those that need a server."""
    folder = tmp_path_factory.mktemp("v6") / "sllm"
    folder.mkdir()
    for name in (*COPIED, "export_static_docs.py"):
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(
                source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
            )
        else:
            shutil.copyfile(source, target)
    for block in BLOCKS:
        follow(block, folder)
    return folder


def follow(block: Block, folder: Path) -> None:
    """Do what one block of the page shows."""
    match block.info.split():
        case ["python", path]:
            (folder / path).write_text(block.text, encoding="utf-8")
        case ["diff", path]:
            change(folder / path, block.text.splitlines())
        case ["bash", "version"]:
            run(block.text, folder)
        case ["bash", "version", "server"]:
            pass  # below
        case _:
            raise AssertionError(f"no test follows {block.name}")


def change(path: Path, lines: list[str]) -> None:
    """Apply a difference; what it begins with must be there, once."""
    before = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{path.name} no longer has: {before}"
    path.write_text(text.replace(before, after), encoding="utf-8")


def run(script: str, folder: Path) -> None:
    """As a reader does in an active environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_code_is_as_the_house_writes_it(copy: Path) -> None:
    run("ruff check app tests/v6 && ruff format --check app tests/v6", copy)


def test_v6_is_there_and_its_documents_are_made(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [last] = blocks(PAGE, "bash version server")
    monkeypatch.setattr("tests.support.ROOT", copy)
    with running(tmp_path, SEES) as server:
        server.wait_until(lambda: server.health()["models"]["vision"]["status"] == "ready")
        run(last.on_port(server.port), copy)
    made = copy / FOLDER
    assert "/api/v6/summary" in (made / "v6.openapi.json").read_text()
    assert "글 요약" in (made / "v6.ko.md").read_text()
    assert (made / "site" / "v6.swagger.html").is_file()
    for path in (ROOT / FOLDER).glob("v*.openapi.json"):
        assert (made / path.name).read_bytes() == path.read_bytes()
    monkeypatch.undo()
    run("python -m pytest -q tests/docs/test_export.py -k 'v6'", copy)
