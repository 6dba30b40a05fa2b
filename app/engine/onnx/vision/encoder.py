"""The vision encoder: prepared pixels in, feature rows out."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event, Lock
from typing import Any, Final

import numpy as np

from app.engine.backends.base import LoadError
from app.engine.onnx.layout import TYPES
from app.engine.onnx.session import ERRORS, UNREADABLE, open_session, quiet
from app.engine.onnx.vision.sight import Array
from app.engine.scheduling_class import batch_threads

# Exports call the same thing by other names.
_ALIASES: Final = {"grid_thw": "image_grid_thw"}
_FEATURES: Final = "image_features"
# What NumPy can make of pixels; it has no bfloat16.
_KINDS: Final = {name: kind for name, kind in TYPES.items() if kind is not np.uint16}


class Stopped(Exception):
    """A run was stopped by `Stop`, since nobody wants it any more."""


class Stop:
    """Ends a run from another thread, within an operator's time."""

    def __init__(self) -> None:
        self._set = Event()
        self._lock = Lock()
        self._options: Any = None

    def set(self) -> None:
        with self._lock:
            self._set.set()
            if self._options is not None:
                self._options.terminate = True

    def watch(self, options: Any) -> None:
        """Raises Stopped when it is too late to begin."""
        with self._lock:
            if self._set.is_set():
                raise Stopped
            self._options = options

    @property
    def happened(self) -> bool:
        return self._set.is_set()


class Encoder:
    """A session; `run` may be called in any thread, one at a time."""

    def __init__(self, session: Any, model: str) -> None:
        self._session = session
        self._model = model
        self._types = {value.name: _KINDS.get(value.type) for value in session.get_inputs()}
        outputs = [value.name for value in session.get_outputs()]
        self._output = _FEATURES if _FEATURES in outputs else outputs[0]

    def check(self, feeds: Mapping[str, Array]) -> None:
        """Raises LoadError for inputs that the family does not make."""
        missing = [name for name in self._types if _ALIASES.get(name, name) not in feeds]
        if missing or None in self._types.values():
            names = ", ".join(missing or self._types)[:120]
            made = ", ".join(feeds)[:120]
            raise LoadError("vision_inputs_missing", model=self._model, names=names, made=made)

    def run(self, feeds: Mapping[str, Array], stop: Stop) -> Array:
        """Feature rows [rows, width], float32. Raises Stopped, or one of session.ERRORS."""
        cast = {
            name: np.ascontiguousarray(feeds[_ALIASES.get(name, name)], kind)
            for name, kind in self._types.items()
        }
        options = quiet()
        stop.watch(options)
        try:
            (found,) = self._session.run([self._output], cast, options)
        except ERRORS:
            if stop.happened:
                raise Stopped from None
            raise
        rows: Array = np.asarray(found, np.float32).reshape(-1, found.shape[-1])
        return rows


def open_encoder(path: Path, threads: int, model: str) -> Encoder:
    """Raises LoadError."""
    try:
        with batch_threads():
            session = open_session(path, threads, decoder=False)
    except UNREADABLE as error:
        reason = str(error).replace(f"{path.parent}/", "").replace(str(path.parent), "")[:300]
        raise LoadError("onnx_load_failed", model=model, reason=reason) from error
    return Encoder(session, model)
