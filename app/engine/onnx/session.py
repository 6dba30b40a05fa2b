"""An onnxruntime session with the options that this server wants, and its errors by name."""

import logging
from pathlib import Path
from typing import Any, Final, Literal

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

from app.engine.onnx.head import last_row_only

log = logging.getLogger(__name__)
# Everything that onnxruntime raises about a graph or a run; they share no base but Exception.
ERRORS: Final[tuple[type[Exception], ...]] = (
    native.EPFail,
    native.EngineError,
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.NoModel,
    native.NoSuchFile,
    native.NotFound,
    native.NotImplemented,
    native.RuntimeException,
    # An error of the above kinds whose words quote a name of the graph that is no text.
    UnicodeDecodeError,
)
UNREADABLE: Final[tuple[type[Exception], ...]] = (OSError, *ERRORS)
_FATAL_ONLY: Final = 4
# Threads that wait for the next operator look for it this long before they sleep. Less costs 7 % of
# the tokens of 8 rows on a quiet machine; the library's own choice (a millisecond) has halved the
# speed beside a busy neighbour.
_SPIN: Final = ("session.intra_op.spin_duration_us", "100")
_EXTERNAL_DATA: Final = "session.model_external_initializers_file_folder_path"
Device = Literal["cpu", "cuda"]
_CUDA: Final = "CUDAExecutionProvider"
_PROVIDERS: Final[dict[Device, list[Any]]] = {
    "cpu": ["CPUExecutionProvider"],
    # Memory is asked for as it is needed: the rest of the GPU belongs to others.
    "cuda": [
        (_CUDA, {"device_id": 0, "arena_extend_strategy": "kSameAsRequested"}),
        "CPUExecutionProvider",
    ],
}

# A graph is changed in memory; above this its weights are inside and would be there twice.
_MAX_CHANGED_BYTES: Final = 512 * 1024 * 1024


class NoDevice(Exception):
    """The library runs the graph on the CPU although a GPU was asked for."""


def has_gpu() -> bool:
    """Whether the installed build of onnxruntime can use an NVIDIA GPU, if there is one."""
    return _CUDA in onnxruntime.get_available_providers()


def open_session(path: Path, threads: int, device: Device = "cpu", *, decoder: bool = True) -> Any:
    """Load the graph; a decoder with logits for the last row only where that can be done. What
    the device has no kernel for runs on the CPU.

    Raises one of UNREADABLE; NoDevice when the library has put everything on the CPU.
    """
    onnxruntime.disable_telemetry_events()
    changed = _changed(path) if decoder else None
    if changed is not None:
        try:
            return _session(changed, path.parent, threads, device)
        except ERRORS:
            log.info("the graph of %s is used as it is", path.name)
    return _session(str(path), path.parent, threads, device)


def _changed(path: Path) -> bytes | None:
    if path.stat().st_size > _MAX_CHANGED_BYTES:
        return None
    try:
        return last_row_only(path.read_bytes())
    except ValueError:
        return None


def _session(model: bytes | str, folder: Path, threads: int, device: Device) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Patterns are per shape, and here every step has a shape of its own.
    options.enable_mem_pattern = False
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry(*_SPIN)
    options.add_session_config_entry(_EXTERNAL_DATA, str(folder))
    session = onnxruntime.InferenceSession(model, options, providers=_PROVIDERS[device])
    # A provider that cannot be set up (no driver, another CUDA) is passed over with a log line.
    if device == "cuda" and _CUDA not in session.get_providers():
        raise NoDevice("onnxruntime cannot use the GPU")
    return session


def device_tensor(shape: tuple[int, ...], element: Any, device: str) -> Any:
    """Memory of onnxruntime's on a device, with an address (`data_ptr()`). Raises one of
    ERRORS."""
    return onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, element, device, 0)


def words_of(error: Exception) -> str:
    """What the library says."""
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode("utf-8", "replace")
    return str(error)


def quiet() -> Any:
    """Run options under which a failing run says nothing on standard error."""
    options = onnxruntime.RunOptions()
    options.log_severity_level = _FATAL_ONLY
    return options
