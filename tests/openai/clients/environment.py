"""Where the clients live: an environment of their own in the user's cache, made once for each set
of requirements. The server's own environment, and its lock file, know nothing of them.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
NODE = HERE / "node"
# A bound, never an expectation.
PATIENCE = 1500


def python_clients() -> Path:
    """The folder with `python`, `llm`, `node` and `npm`. CalledProcessError when it cannot be."""
    tag = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = _made(f"python-{tag}", [REQUIREMENTS], _install_python)
    return folder / "bin"


def node_clients(programs: Path) -> Path:
    """The folder with `node_modules`."""
    files = [NODE / "package.json", NODE / "package-lock.json"]
    return _made("node", files, lambda folder: _install_node(folder, programs, files))


def _made(name: str, files: list[Path], make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, for these very files; an interrupted one is made anew."""
    content = b"".join(file.read_bytes() for file in files)
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sllm-tests"
    folder = root / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root / f"{folder.name}.lock"):
        ready = folder / "ready"
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            ready.touch()
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install_python(folder: Path) -> None:
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--no-input"]
    run([*pip, "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS)])


def _install_node(folder: Path, programs: Path, files: list[Path]) -> None:
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder)
    run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], folder, programs)


def run(
    command: list[str],
    folder: Path = HERE,
    programs: Path | None = None,
    variables: Mapping[str, str] = {},
) -> str:
    """What the command wrote; `programs` are looked at first."""
    environment = {**os.environ, **variables}
    if programs is not None:
        environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
