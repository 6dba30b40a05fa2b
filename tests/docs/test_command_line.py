"""docs/command-line.md: every example runs, every command and every slash command is told."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli import cli
from app.commands.chat.slash import COMMANDS
from app.commands.ends import BAD_SETTINGS, INTERRUPTED, NOT_ALLOWED, UNREACHABLE
from tests.cli.support import clean_environment
from tests.docs.markdown import ROOT, blocks
from tests.support import PATIENCE, free_port
from tests.weights.entries import CONTENT
from tests.weights.hub_pages import HubPages
from tests.weights.web import serve

DOCUMENT = ROOT / "docs" / "command-line.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def command(folder: Path) -> None:
    """`sllm` as it is installed, for the shell of the examples."""
    file = folder / "bin" / "sllm"
    file.parent.mkdir()
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m app.cli "$@"\n')
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.mark.timeout(900)
def test_every_example_runs(tmp_path: Path) -> None:
    command(tmp_path)
    with serve() as web:
        hub = HubPages(web, "Qwen/Qwen3-0.6B-GGUF", {"Qwen3-0.6B-Q8_0.gguf": CONTENT})
        hub.publish()
        here = {"SLLM_MODEL_PATH": "scripted", "PORT": str(free_port()), "NO_PROXY": "127.0.0.1"}
        environment = clean_environment(tmp_path / "data", HF_ENDPOINT=web.address, **here)
        environment["PATH"] = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
        for block in blocks(DOCUMENT, "bash"):
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.text],
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=4 * PATIENCE,
                check=False,
            )
            assert done.returncode == 0, (block.text, done.stdout, done.stderr)
            assert "Traceback" not in done.stderr


def names(group: Any, *above: str) -> list[str]:
    found = []
    for name, each in group.commands.items():
        inner = names(each, *above, name) if hasattr(each, "commands") else []
        found += inner or [" ".join([*above, name])]
    return found


@pytest.mark.parametrize("name", names(typer.main.get_command(cli)))
def test_every_command_is_told(name: str) -> None:
    assert f"sllm {name}" in TEXT or name.split()[-1] in TEXT


@pytest.mark.parametrize("name", COMMANDS)
def test_every_slash_command_is_told(name: str) -> None:
    assert f"`/{name}" in TEXT


@pytest.mark.parametrize("code", [0, 1, 2, UNREACHABLE, NOT_ALLOWED, BAD_SETTINGS, INTERRUPTED])
def test_every_exit_code_is_told(code: int) -> None:
    assert f"| {code} |" in TEXT
