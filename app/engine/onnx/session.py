"""An onnxruntime session with the options that this server wants, and its errors by name."""

from typing import Any, Final

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

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
)
_FATAL_ONLY: Final = 4


def open_session(path: str, threads: int) -> Any:
    """Load the graph at `path` on the CPU. Raises one of ERRORS."""
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Patterns are per shape, and here every step has a shape of its own.
    options.enable_mem_pattern = False
    options.log_severity_level = _FATAL_ONLY
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def quiet() -> Any:
    """Run options under which a failing run says nothing on standard error."""
    options = onnxruntime.RunOptions()
    options.log_severity_level = _FATAL_ONLY
    return options
