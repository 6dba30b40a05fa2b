"""A GGUF file's weights in 32 bits as a folder for `transformers serve`: by itself it does not find
the architecture's name in the file. `python -m benchmarks.compare.unpack FILE FOLDER`.
"""

import subprocess
import sys
from pathlib import Path

from app.convert.source import dequantize
from app.weights.task import Task
from benchmarks.compare.installs import WHOLE, AbsentError, cache_folder, last_words
from benchmarks.processes import ROOT


def unpacked(file: Path) -> Path:
    """The folder, made once, by a process whose memory ends with it. Raises AbsentError."""
    folder = cache_folder() / f"unpacked-{file.stem}-{file.stat().st_size}"
    if not (folder / WHOLE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "benchmarks.compare.unpack", str(file), str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AbsentError(f"{file.name} cannot be unpacked: {last_words(done.stderr)}")
        (folder / WHOLE).touch()
    return folder


def main() -> None:
    file, folder = map(Path, sys.argv[1:])
    dequantize(file, folder, Task())


if __name__ == "__main__":
    main()
