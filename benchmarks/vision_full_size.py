"""Seconds and memory of HyperCLOVA X Vision 3B's vision part at its real size, on random weights.

    python -m benchmarks.vision_full_size [--weights fp16|fp32] [--threads 2]

Writes 0.9 GB of random weights and their graph to a temporary folder, and removes both.
"""

import argparse
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.vision_checkpoint import CONFIG, QUERIES, TOWER, shapes, write_random

GRIDS: Final = (2, 5, 10)


def convert(folder: Path, weights: Any) -> None:
    from app.convert.vision.checkpoint import Checkpoint
    from app.convert.vision.encoder import write_hyperclovax

    write_hyperclovax(Checkpoint(folder), CONFIG, folder / "vision_encoder.onnx", weights)


def run(path: Path, grids: int, threads: int) -> None:
    """One image after another in a session of its own; prints what it took."""
    from app.engine.onnx.session import open_session

    started = time.perf_counter()
    session = open_session(path, threads)
    loaded = time.perf_counter() - started
    random = np.random.default_rng(2)
    size = TOWER["image_size"]
    pixels = random.standard_normal((grids, 3, size, size)).astype(np.float32)
    feeds = {"pixel_values": pixels, "gather_index": np.arange(grids * QUERIES + 1)}
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        (features,) = session.run(None, feeds)
        seconds.append(time.perf_counter() - started)
    assert np.isfinite(features).all()
    print(f"{grids},{loaded:.1f},{min(seconds):.2f},{_peak():.2f}")


def _peak() -> float:
    """Gigabytes, of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def _child(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.vision_full_size", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", choices=("fp32", "fp16"), default="fp16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--convert", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--grids", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.convert:
        started = time.perf_counter()
        convert(given.convert, given.weights)
        print(f"{time.perf_counter() - started:.1f} s, {_peak():.2f} GB")
    elif given.run:
        run(given.run, given.grids, given.threads)
    else:
        _all(given.weights, given.threads)


def _all(weights: str, threads: int) -> None:
    with tempfile.TemporaryDirectory(prefix="sllm-vision-") as name:
        folder = Path(name)
        write_random(folder / "model.safetensors", shapes())
        parameters = sum(math.prod(shape) for shape in shapes().values())
        print(f"{parameters / 1e6:.0f} million parameters; weights in {weights}")
        print("converting:", _child("--convert", str(folder), "--weights", weights))
        size = sum(file.stat().st_size for file in folder.glob("vision_encoder.onnx*"))
        print(f"on disk: {size / 1e9:.2f} GB")
        print("grids  load s  image s  peak GB")
        for grids in GRIDS:
            where = ("--run", str(folder / "vision_encoder.onnx"))
            told = _child(*where, "--grids", str(grids), "--threads", str(threads)).split(",")
            print(f"{told[0]:>5}  {told[1]:>6}  {told[2]:>7}  {told[3]:>7}")


if __name__ == "__main__":
    main()
