"""Converted weights for tests: made once by `sllm convert`, kept beside the other weights.

Needs the extra `convert` and PyTorch (./test.sh installs both); without them tests are skipped
with the command that is missing.
"""

import fcntl
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.convert import requirements
from app.convert.builder import REVISIONS, Device, Precision
from app.convert.errors import ConvertError

ROOT = Path(__file__).resolve().parents[1]
# A bound, never an expectation: the largest one takes four minutes on two busy cores.
PATIENCE = 1800


def require_extra() -> None:
    """Skip the test where nothing can be converted."""
    try:
        requirements.require()
    except ConvertError as error:
        pytest.skip(str(error))


def converted(
    data_dir: Path, entry: str, precision: Precision = "int8", device: Device = "cpu"
) -> Path:
    """The folder of a catalogue entry at this precision, converted when it is absent or was made
    by a converter that gave other weights."""
    made_for = "" if device == "cpu" else f"-{device}"
    folder = data_dir / "converted" / f"{entry}-{precision}{made_for}"
    if not _is_current(folder / "sllm.json", precision):
        require_extra()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "tests.lock").open("w") as lock:
            # One at a time, by whatever run of tests: two would need twice the memory.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_current(folder / "sllm.json", precision):
                shutil.rmtree(folder, ignore_errors=True)
                options = ("--precision", precision, "--device", device)
                run("convert", entry, *options, "--output", str(folder))
    return folder


def _is_current(card: Path, precision: Precision) -> bool:
    if not card.exists():
        return False
    revision: int = json.loads(card.read_text()).get("converter", 1)
    return revision == REVISIONS[precision]


def run(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`sllm` with these; fails with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done
