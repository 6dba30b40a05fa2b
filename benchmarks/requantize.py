"""A GGUF file again with its matrices in Q8_0: what llama.cpp is compared with at equal quality.

`python -m benchmarks.requantize SOURCE TARGET`.
"""

import sys
from pathlib import Path

from app.weights import requantize as again


def requantize(source: Path, target: Path) -> Path:
    """Write `target` unless it exists; metadata and vectors stay as they are."""
    if target.exists():
        return target
    partial = target.with_name(target.name + ".partial")
    again.requantize(source, partial, "Q8_0")
    return partial.rename(target)


if __name__ == "__main__":
    print(requantize(Path(sys.argv[1]), Path(sys.argv[2])))
