"""Environments of peers: each in a folder of its own in the user's cache, made once. This
program's own environment knows nothing of them.
"""

import fcntl
import importlib.metadata
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

# A bound, never an expectation: llama.cpp is compiled in ten minutes on two cores.
PATIENCE: Final = 5400
NICE: Final = 10
WHOLE: Final = "sllm-benchmarks-ready"


class AbsentError(Exception):
    """A peer cannot take part; `str()` says why."""


def cache_folder() -> Path:
    return user_cache_path("sllm-benchmarks", appauthor=False)


def environment(name: str, requirement: str, *, over: bool = False, install: bool = True) -> Path:
    """The Python of an environment with `requirement`; `over` lets it see what this one has.
    Raises AbsentError: with `install` off for one that is not there yet."""
    tag = f"py{sys.version_info.major}{sys.version_info.minor}"
    folder = cache_folder() / f"{name}-{tag}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        python = folder / "bin" / "python"
        if not (folder / WHOLE).exists():
            if not install:
                raise AbsentError(f"{requirement} is not installed, and --no-install was given")
            _make(folder, python, requirement, over)
        return python


def _make(folder: Path, python: Path, requirement: str, over: bool) -> None:
    """An environment that was left half done is gone over again."""
    print(f"installing {requirement} (once; compiling may take minutes)", file=sys.stderr)
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], requirement)
    if over:
        packages = next((folder / "lib").glob("python*")) / "site-packages"
        (packages / "below.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--no-input"]
    _run([*pip, "install", "--quiet", requirement], requirement)
    (folder / WHOLE).touch()


def _run(command: list[str], requirement: str) -> None:
    """Beside others, not before them."""
    nice = ["nice", "-n", str(NICE)] if os.name == "posix" else []
    try:
        done = subprocess.run(
            [*nice, *command], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AbsentError(f"{requirement} cannot be installed: {error}") from error
    if done.returncode != 0:
        raise AbsentError(f"{requirement} cannot be installed: {last_words(done.stderr)}")


def last_words(output: str) -> str:
    """The end of what a program said, on one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return " / ".join((errors or lines)[-2:])[-300:] or "no reason was given"


def version(package: str) -> str:
    """Of a package of this environment. Raises AbsentError."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError as error:
        raise AbsentError(f"{package} is not installed (extra 'convert')") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
