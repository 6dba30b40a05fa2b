"""The build that is shipped belongs to the source beside it, and carries nobody's address."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT

SOURCE, STATIC = ROOT / "ui", ROOT / "app" / "ui" / "static"
BESIDE = ("build.mjs", "package.json", "package-lock.json", "tsconfig.json")


def build(folder: Path = STATIC) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "build.json").read_text())
    return found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_build_is_of_this_source() -> None:
    """Otherwise: `cd ui && npm ci && npm run build`."""
    files = [SOURCE / name for name in BESIDE]
    files += [path for path in (SOURCE / "src").rglob("*") if path.is_file()]
    named = sorted((path.relative_to(SOURCE).as_posix(), sha256(path)) for path in files)
    total = hashlib.sha256("".join(f"{name} {each}\n" for name, each in named).encode())
    assert build()["source"] == total.hexdigest()


def test_the_files_are_those_that_were_built() -> None:
    there = {path.name: sha256(path) for path in STATIC.iterdir() if path.name != "build.json"}
    assert there == build()["files"]


def test_every_library_keeps_its_licence() -> None:
    wanted = json.loads((SOURCE / "package.json").read_text())["dependencies"]
    text = (STATIC / "LICENSES.txt").read_text()
    assert [name for name in wanted if f"{name} " not in text] == []


def test_the_lock_file_names_no_registry() -> None:
    assert not re.search(
        r'"resolved"|https?://registry', (SOURCE / "package-lock.json").read_text()
    )


@pytest.mark.network
@pytest.mark.skipif(os.environ.get("SLLM_TEST_OFFLINE") == "1", reason="SLLM_TEST_OFFLINE=1")
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_who_builds_it_gets_the_same_files(tmp_path: Path) -> None:
    source, made = tmp_path / "source", tmp_path / "made"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("node_modules"))
    installed = subprocess.run(["npm", "ci"], cwd=source, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"npm cannot install what the build needs: {installed.stderr[-200:]}")
    for command in (["npm", "run", "check"], ["node", "build.mjs", str(made)]):
        done = subprocess.run(command, cwd=source, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert build(made) == build()
