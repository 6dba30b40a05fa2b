"""Which caches an engine may bring back: those of the very same weights, computed the same way."""

import hashlib
import logging
import os
from pathlib import Path

from app.engine.backends.base import Backend
from app.engine.kv.keeper import Keeper
from app.engine.kv.store import Store
from app.engine.runtime_dir import memory_directory
from app.engine.spec import EngineSpec

_SAMPLES, _SAMPLE_BYTES = 16, 64 * 1024
log = logging.getLogger(__name__)


def open_keeper(backend: Backend, spec: EngineSpec) -> Keeper:
    """With as many places as there are; none is no reason not to serve."""
    if spec.kv is None or backend.kv_format is None:
        return Keeper(backend, None, None)
    try:
        lasting = _lasting(spec, backend.kv_format, spec.kv.disk_bytes)
    except OSError as error:
        log.warning("conversations' caches cannot be kept in DATA_DIR: %s", error.strerror)
        lasting = None
    try:
        passing = _passing(spec, spec.kv.memory_bytes)
    except OSError:
        passing = None
    return Keeper(backend, lasting, passing)


def _lasting(spec: EngineSpec, kv_format: str, budget: int) -> Store | None:
    if not budget or spec.kv is None:
        return None
    return Store(Path(spec.kv.folder) / fingerprint(spec, kv_format), budget)


def _passing(spec: EngineSpec, budget: int) -> Store | None:
    """In memory, as a folder; the files of a chat that no conversation keeps end with us."""
    folder = memory_directory(Path(spec.directory))
    if folder is None or not budget:
        return None
    facts = os.statvfs(folder)
    return Store(folder, min(budget, facts.f_bavail * facts.f_frsize // 2), reserve=0)


def fingerprint(spec: EngineSpec, kv_format: str) -> str:
    """Of the files of the weights, by their sizes and samples of what is in them (hashing all of
    a large file would take longer than loading it), and of what images become. Raises OSError."""
    digest = hashlib.sha256(kv_format.encode())
    if spec.onnx_vision is not None:
        digest.update(spec.onnx_vision.preparation.encode())
    for path in map(Path, filter(None, (spec.path, *spec.data))):  # the stand-in has no file
        size = path.stat().st_size
        digest.update(f"{path.name} {size}".encode())
        with path.open("rb") as file:
            for number in range(_SAMPLES):
                file.seek(max(0, (size - _SAMPLE_BYTES) * number // (_SAMPLES - 1)))
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:32]
