"""Who takes part, on which weights, with which settings, and how each is started."""

import contextlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app import __version__
from app.provider.plan import DEFAULT_SLOTS, DEFAULT_WINDOW, compute_threads
from benchmarks import servers
from benchmarks.compare import installs, roofline, talk
from benchmarks.compare.installs import AbsentError, Recipe
from benchmarks.compare.talk import Server, Way
from benchmarks.compare.unpack import unpacked
from benchmarks.compare.values import Absence, Who
from benchmarks.llama_server import LlamaSettings
from benchmarks.processes import child, free_port

# What our server takes by itself, and hence what all are given.
WINDOW, SLOTS = DEFAULT_WINDOW, DEFAULT_SLOTS
THREADS: Final = compute_threads()
LLAMA_CPP_PYTHON: Final = "0.3.36"
OURS, OURS_SERVED, OURS_ONNX = "ours, GGUF", "ours, as it comes", "ours, ONNX"
ALL_OURS: Final = (OURS, OURS_SERVED, OURS_ONNX)
LLAMA, LLAMA_LIKE = "llama-server", "llama-server, our batch"
PYTHON, GENAI, SERVE = "llama-cpp-python", "onnxruntime-genai", "transformers serve"
NAMES: Final = (*ALL_OURS, LLAMA, LLAMA_LIKE, PYTHON, GENAI, SERVE)
# Those of whom one is enough: it differs from another only in settings.
EXTRA: Final = (LLAMA_LIKE,)

# Context of a running server on a folder of its own, for a number of slots.
Start = Callable[[Path, int], contextlib.AbstractContextManager[Server]]


@dataclass(frozen=True)
class Peer:
    """One that can be started. A slow one is measured in the first round only."""

    who: Who
    start: Start
    slow: bool = False

    @property
    def name(self) -> str:
        return self.who.name

    @property
    def ours(self) -> bool:
        return self.name in ALL_OURS


AS_IT_IS: Final = AbsentError("our server serves this file as it is")


@dataclass(frozen=True)
class Weights:
    """The same weights in both forms; `onnx` says why where there is no folder. `served` is the
    file that our server makes of a catalogue's model here, if it does."""

    gguf: str
    onnx: Path | AbsentError
    served: Path | AbsentError = AS_IT_IS

    def folder(self) -> Path:
        return _there(self.onnx)


def _there(path: Path | AbsentError) -> Path:
    if isinstance(path, AbsentError):
        raise path
    return path


def found(wanted: list[str], weights: Weights, install: bool) -> tuple[list[Peer], list[Absence]]:
    """Those of `wanted` that can take part, and why the others cannot."""
    peers, absent = [], []
    for name in wanted:
        try:
            peers.append(MAKERS[name](weights, install))
        except AbsentError as error:
            absent.append(Absence(name, str(error)))
    return peers, absent


def _who(name: str, version: str, weights: Path | str, settings: str) -> Who:
    path = Path(weights)
    kin = "onnx" if path.is_dir() else "gguf"
    return Who(name, version, kin, path.name, settings, roofline.bytes_per_token(path))


def _ours(name: str, model: str) -> Peer:
    @contextlib.contextmanager
    def start(folder: Path, slots: int) -> Iterator[Server]:
        began = time.perf_counter()
        settings = {"CONTEXT_LENGTH": str(WINDOW), "PARALLEL_SLOTS": str(slots)}
        with servers.our_server(model, folder, **settings) as running:
            seconds = time.perf_counter() - began
            yield Server(name, running.pid, running.port, talk.OURS, seconds)

    return Peer(_who(name, __version__, model, "as installed, one worker"), start)


def _llama(name: str, weights: Weights, own_defaults: bool) -> Peer:
    @contextlib.contextmanager
    def start(folder: Path, slots: int) -> Iterator[Server]:
        settings = LlamaSettings(
            weights.gguf, free_port(), WINDOW, slots, 128, THREADS, own_defaults
        )
        began = time.perf_counter()
        with servers.llama_server(name, settings, folder, same_openmp=True) as running:
            seconds = time.perf_counter() - began
            yield Server(name, running.pid, running.port, talk.LLAMA_SERVER, seconds)

    told = "its defaults: memory cache of 8,192 MiB, batch 2,048; our OpenMP runtime"
    if not own_defaults:
        told = f"batch 128, {THREADS} threads, no memory cache; our OpenMP runtime"
    version = f"xllamacpp {installs.version('xllamacpp')}"
    return Peer(_who(name, version, weights.gguf, told), start)


def llama_cpp_python_recipe() -> Recipe:
    """Compiled for this processor as pip does, but for AMX, where this version crashes."""
    build = {}
    if platform.machine() == "x86_64":
        flags = " ".join(f"-DCMAKE_{language}_FLAGS=-mno-amx-int8" for language in ("C", "CXX"))
        build["CMAKE_ARGS"] = f"{os.environ.get('CMAKE_ARGS', '')} {flags}".strip()
    requirement = f"llama-cpp-python[server]=={LLAMA_CPP_PYTHON}"
    return Recipe(f"{PYTHON}-{LLAMA_CPP_PYTHON}", requirement, build=build)


def _llama_cpp_python(weights: Weights, install: bool) -> Peer:
    python = installs.environment(llama_cpp_python_recipe(), install=install)

    def command(port: int) -> list[str]:
        given = {"model": weights.gguf, "host": "127.0.0.1", "port": port, "n_ctx": WINDOW,
                 "n_threads": THREADS, "interrupt_requests": "false"}  # fmt: skip
        options = [word for key, value in given.items() for word in (f"--{key}", str(value))]
        return [str(python), "-m", "llama_cpp.server", *options]

    told = f"compiled without AMX (with it: crashes), {THREADS} threads; requests wait in a row"
    who = _who(PYTHON, LLAMA_CPP_PYTHON, weights.gguf, told)
    return Peer(who, _started(PYTHON, command, talk.LLAMA_CPP_PYTHON, "/v1/models"), slow=True)


def _genai(weights: Weights, _: bool) -> Peer:
    folder, version = weights.folder(), installs.version("onnxruntime-genai")

    def command(port: int) -> list[str]:
        module = "benchmarks.compare.genai_server"
        return [sys.executable, "-m", module, str(folder), str(port), str(THREADS), str(WINDOW)]

    told = f"{THREADS} threads, one generator: one request at a time, the newest talk kept"
    start = _started(GENAI, command, talk.LLAMA_CPP_PYTHON, "/health")
    return Peer(_who(GENAI, version, folder, told), start, slow=True)


def _transformers(weights: Weights, install: bool) -> Peer:
    version = installs.version("transformers")
    installs.version("torch")
    recipe = Recipe(f"transformers-{version}", f"transformers[serving]=={version}", over=True)
    python = installs.environment(recipe, install=install)
    folder = unpacked(Path(weights.gguf))

    def command(port: int) -> list[str]:
        serve = [str(python), "-m", "transformers.cli.transformers", "serve"]
        return [*serve, str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]

    told = "its defaults; the GGUF file's weights in 32 bits"
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    who = Who(SERVE, version, "gguf", folder.name, told, size)
    return Peer(who, _started(SERVE, command, talk.TRANSFORMERS, "/health"), slow=True)


def _started(name: str, command: Callable[[int], list[str]], way: Way, ready: str) -> Start:
    """A peer that is a program with a port."""

    @contextlib.contextmanager
    def start(folder: Path, _: int) -> Iterator[Server]:
        port, log = free_port(), folder / f"{name.replace(' ', '-')}.log"
        environment = servers.with_our_packages(os.environ | {"HF_HUB_OFFLINE": "1"})
        began = time.perf_counter()
        with child(command(port), environment, log) as process:
            servers.wait_ready(process, port, log, ready)
            yield Server(name, process.pid, port, way, time.perf_counter() - began)

    return start


MAKERS: Final[dict[str, Callable[[Weights, bool], Peer]]] = {
    OURS: lambda weights, _: _ours(OURS, weights.gguf),
    OURS_SERVED: lambda weights, _: _ours(OURS_SERVED, str(_there(weights.served))),
    OURS_ONNX: lambda weights, _: _ours(OURS_ONNX, str(weights.folder())),
    LLAMA: lambda weights, _: _llama(LLAMA, weights, own_defaults=True),
    LLAMA_LIKE: lambda weights, _: _llama(LLAMA_LIKE, weights, own_defaults=False),
    PYTHON: _llama_cpp_python,
    GENAI: _genai,
    SERVE: _transformers,
}
