"""How fast decoding can be at most: memory bandwidth over the bytes that a token needs."""

import os
import threading
import time
from pathlib import Path
from typing import Final

import numpy as np

from app.weights.gguf_header import read_header

# Larger than any cache that a core would keep to itself.
READ_BYTES: Final = 256 * 1024 * 1024
PASSES: Final = 3
TRIES: Final = 5


def bytes_per_token(weights: Path) -> int:
    """All weights once: what a step for one stream reads. The cache's rows, some percent more for
    short texts, are left out. 0 for what is no file of weights."""
    if weights.is_dir():
        return sum(file.stat().st_size for file in weights.glob("model.onnx*"))
    if weights.suffix != ".gguf":
        return 0
    file = os.open(weights, os.O_RDONLY)
    try:
        return read_header(file, weights.stat().st_size, weights.name).tensor_bytes
    finally:
        os.close(file)


def read_bandwidth(threads: int, size: int = READ_BYTES) -> float:
    """Bytes a second that so many threads read together; the best of some tries."""
    arrays = [np.ones(size // threads // 4, np.float32) for _ in range(threads)]
    return max(_read(arrays) for _ in range(TRIES))


def _read(arrays: list[np.ndarray]) -> float:
    """Each thread reads its own array; NumPy lets the others run meanwhile."""

    def read(array: np.ndarray) -> None:
        for _ in range(PASSES):
            np.max(array)

    workers = [threading.Thread(target=read, args=(array,)) for array in arrays]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return PASSES * sum(array.nbytes for array in arrays) / (time.perf_counter() - began)
