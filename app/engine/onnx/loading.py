"""A graph with its slots on the device that is to run it: the GPU where it may and can be used,
else the CPU, with a notice that says why.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.domain.model_info import Notice
from app.engine.backends.base import LoadError
from app.engine.onnx.graph import Facts, Graph, probe
from app.engine.onnx.layout import Layout, read_layout
from app.engine.onnx.memory import DeviceMemory
from app.engine.onnx.session import (
    ERRORS,
    UNREADABLE,
    Device,
    NoDevice,
    has_gpu,
    open_session,
    words_of,
)
from app.engine.onnx.slots import Slots
from app.engine.onnx.vision.eyes import Eyes, open_eyes
from app.engine.scheduling_class import batch_threads
from app.engine.spec import EngineSpec

# Present where NVIDIA's driver is, so that a GPU is there but the library is not.
NVIDIA: Final = Path("/dev/nvidiactl")


@dataclass(frozen=True)
class Loaded:
    """What the batch needs. `notices` say why a GPU that was wanted is not used."""

    graph: Graph
    slots: Slots
    layout: Layout
    device: str
    notices: tuple[Notice, ...] = ()
    eyes: Eyes | None = None


class _Unfit(Exception):
    """The GPU cannot run this graph; `args[0]` is an i18n key."""


def load(spec: EngineSpec, head_size: int) -> Loaded:
    """Read the weights, which takes as long as it takes. Raises LoadError."""
    if spec.use_gpu == "false":
        return _on_cpu(spec, head_size, ())
    try:
        if not has_gpu():
            raise _Unfit("onnx_gpu_build")
        return _on_gpu(spec, head_size)
    except _Unfit as unfit:
        key = str(unfit)
    if spec.use_gpu == "required":
        raise LoadError(f"{key}_required", model=spec.id)
    # Where nobody asked and no GPU is to be seen, there is nothing to tell.
    asked = spec.use_gpu == "true" or key != "onnx_gpu_build" or NVIDIA.exists()
    return _on_cpu(spec, head_size, (Notice(key, {"model": spec.id}),) if asked else ())


def _on_cpu(spec: EngineSpec, head_size: int, notices: tuple[Notice, ...]) -> Loaded:
    session, layout, facts, eyes = _read(spec, head_size, "cpu")
    slots = Slots(layout.caches, spec.slots, spec.context_length)
    graph = Graph(session, layout, slots, facts, eyes)
    return Loaded(graph, slots, layout, "cpu", notices, eyes)


def _on_gpu(spec: EngineSpec, head_size: int) -> Loaded:
    """Raises _Unfit for what the GPU cannot run, LoadError for what nothing can."""
    try:
        session, layout, facts, eyes = _read(spec, head_size, "cuda")
    except NoDevice as error:
        raise _Unfit("onnx_gpu_driver") from error
    # CUDA's GroupQueryAttention knows 16 bits only; a cache that grows would be copied each step.
    if not facts.in_place or any(np.dtype(each.dtype).itemsize != 2 for each in layout.caches):
        raise _Unfit("onnx_gpu_graph")
    try:
        memory = DeviceMemory(layout.caches, spec.slots, spec.context_length, "cuda")
    except ERRORS as error:
        raise _Unfit("onnx_gpu_memory") from error
    slots = Slots(layout.caches, spec.slots, spec.context_length, memory)
    graph = Graph(session, layout, slots, facts, eyes)
    return Loaded(graph, slots, layout, "cuda:0", (), eyes)


def _read(
    spec: EngineSpec, head_size: int, device: Device
) -> tuple[Any, Layout, Facts, Eyes | None]:
    try:
        with batch_threads():
            session = open_session(Path(spec.path), spec.threads, device)
    except UNREADABLE as error:
        raise LoadError("onnx_load_failed", model=spec.id, reason=_why(spec, error)) from error
    layout = read_layout(session.get_inputs(), session.get_outputs(), spec.id, head_size)
    eyes = _eyes(spec, layout)
    return session, layout, probe(session, layout, spec.id, eyes), eyes


def _eyes(spec: EngineSpec, layout: Layout) -> Eyes | None:
    """For decoders that take embeddings. Raises LoadError where one part of two is there."""
    if (layout.embeds is None) != (spec.onnx_vision is None):
        name = "input_ids" if spec.onnx_vision is None else "inputs_embeds"
        raise LoadError("onnx_no_input", model=spec.id, name=name)
    if spec.onnx_vision is None:
        return None
    try:
        return open_eyes(Path(spec.onnx_vision.embedding), layout, spec.id)
    except UNREADABLE as error:
        raise LoadError("onnx_load_failed", model=spec.id, reason=_why(spec, error)) from error


def _why(spec: EngineSpec, error: Exception) -> str:
    """The library's own words, without paths."""
    folder = str(Path(spec.path).parent)
    return words_of(error).replace(folder + "/", "").replace(folder, "")[:300]
