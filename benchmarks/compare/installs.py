"""Environments of peers: each in a folder of its own in the user's cache, made once. This
program's own environment knows nothing of them.
"""

import fcntl
import importlib.metadata
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Recipe:
    """An environment with `requirement`, under a name of its own. `over` lets it see what this
    one has, `build` are variables for a compiler."""

    name: str
    requirement: str
    over: bool = False
    build: Mapping[str, str] = field(default_factory=dict)


def environment(recipe: Recipe, *, install: bool = True) -> Path:
    """Its Python. Raises AbsentError: with `install` off for one that is not there yet."""
    tag = f"py{sys.version_info.major}{sys.version_info.minor}"
    folder = cache_folder() / f"{recipe.name}-{tag}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        python = folder / "bin" / "python"
        if not (folder / WHOLE).exists():
            if not install:
                told = f"{recipe.requirement} is not installed, and --no-install was given"
                raise AbsentError(told)
            _make(folder, python, recipe)
        return python


def _make(folder: Path, python: Path, recipe: Recipe) -> None:
    """An environment that was left half done is gone over again."""
    print(f"installing {recipe.requirement} (once; compiling takes minutes)", file=sys.stderr)
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], recipe)
    if recipe.over:
        packages = next((folder / "lib").glob("python*")) / "site-packages"
        (packages / "below.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--no-input"]
    # pip would take what it once compiled, with whatever flags.
    fresh = ["--no-cache-dir"] if recipe.build else []
    _run([*pip, "install", "--quiet", *fresh, recipe.requirement], recipe)
    (folder / WHOLE).touch()


def _run(command: list[str], recipe: Recipe) -> None:
    """Beside others, not before them."""
    nice = ["nice", "-n", str(NICE)] if os.name == "posix" else []
    variables = {**os.environ, **recipe.build}
    try:
        done = subprocess.run(
            [*nice, *command], env=variables, capture_output=True, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AbsentError(f"{recipe.requirement} cannot be installed: {error}") from error
    if done.returncode != 0:
        told = f"{recipe.requirement} cannot be installed: {last_words(done.stderr)}"
        raise AbsentError(told)


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
