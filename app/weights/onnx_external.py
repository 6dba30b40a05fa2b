"""Weights outside the .onnx file: only whole, regular files of the same folder are taken."""

import os
import stat
from pathlib import Path, PurePosixPath

from app.weights.errors import WeightsError
from app.weights.onnx_tensors import External


def check_externals(graph: Path, externals: tuple[External, ...]) -> int:
    """Bytes of the files that `externals` name, each once.

    A location that is absolute, leads out of the folder, or is a link of either kind is
    refused: whoever made the graph would choose which file of this machine is read.
    """
    ends: dict[str, int] = {}
    for external in externals:
        end = external.offset + (external.bytes if external.length is None else external.length)
        ends[external.location] = max(ends.get(external.location, 0), end)
    return sum(_check(graph, location, end) for location, end in sorted(ends.items()))


def external_files(graph: Path, externals: tuple[External, ...]) -> tuple[Path, ...]:
    """The files that `externals` name, each once."""
    return tuple(graph.parent / name for name in sorted({each.location for each in externals}))


def _check(graph: Path, location: str, end: int) -> int:
    parts = PurePosixPath(location).parts
    inside = parts and not location.startswith("/") and ".." not in parts
    if not inside or "\\" in location or "\0" in location or ":" in location:
        raise WeightsError("weights_onnx_outside", file=graph.name, location=location[:80])
    path = graph.parent
    for part in parts:
        path = path / part
        facts = _facts(graph, path)
        if stat.S_ISLNK(facts.st_mode):
            raise WeightsError("weights_onnx_link", file=graph.name, location=location[:80])
    if not stat.S_ISREG(facts.st_mode):
        raise WeightsError("weights_not_regular", file=path.name)
    if facts.st_nlink != 1:
        raise WeightsError("weights_onnx_link", file=graph.name, location=location[:80])
    if not os.access(path, os.R_OK):
        raise WeightsError("weights_unreadable", file=path.name, reason="Permission denied")
    if facts.st_size < end:
        missing = end - facts.st_size
        raise WeightsError("weights_truncated", file=path.name, missing=missing, needed=end)
    return facts.st_size


def _facts(graph: Path, path: Path) -> os.stat_result:
    try:
        return path.lstat()
    except FileNotFoundError as error:
        raise WeightsError(
            "weights_onnx_data_missing", file=graph.name, missing=path.name
        ) from error
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise WeightsError("weights_unreadable", file=path.name, reason=reason) from error
