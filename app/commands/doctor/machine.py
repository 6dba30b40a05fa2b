"""What the machine gives: Python, libraries, memory, limits, the clock."""

import ctypes.util
import json
import platform
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil

from app import __version__
from app.commands.doctor.finding import Finding, fail, ok, warn
from app.commands.words import say
from app.config import Settings
from app.convert import requirements
from app.engine.launcher import LLAMA_GPU, ONNX_GPU, environment
from app.weights.memory import available_bytes
from app.weights.sizes import human_bytes

PYTHONS = ((3, 11), (3, 14))
# Each client holds a socket, and the database some files.
FEWEST_FILES = 1024
LEAST_MEMORY = 500_000_000
SECONDS = 60.0
_CODE = Path(__file__).parents[2]
LIBRARIES = {"xllamacpp": LLAMA_GPU, "onnxruntime": ONNX_GPU}


def python() -> Finding:
    found = {"version": platform.python_version(), "sllm": __version__}
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        return ok("python", "doctor_python", **found)
    return fail("python", "doctor_python_wrong", say("doctor_fix_python"), **found)


def openmp() -> Finding:
    """xllamacpp wants libgomp.so.1; a wheel brings it where the system does not."""
    bundled = Path(sysconfig.get_path("purelib")) / "cmeel.prefix" / "lib" / "libgomp.so.1"
    if sys.platform != "linux" or bundled.exists():
        return ok("openmp", "doctor_openmp")
    if ctypes.util.find_library("gomp"):
        return ok("openmp", "doctor_openmp_system")
    return fail("openmp", "doctor_openmp_missing", f"{_pip()} install cmeel-libomp")


def libraries(settings: Settings | None) -> Iterator[Finding]:
    """The engines' native libraries, each loaded in a process of its own as an engine does it;
    then what they find of a GPU."""
    gpus: list[str] = []
    for name, module in LIBRARIES.items():
        try:
            done = subprocess.run(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", module],
                env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            yield fail(name, "doctor_library_hangs", _again(name), library=name)
            continue
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
            yield fail(name, "doctor_library", _again(name), library=name, reason=reason[:200])
            continue
        yield ok(name, "doctor_library_loads", library=name)
        gpus += json.loads(done.stdout)
    yield _gpu(settings, gpus)


def _gpu(settings: Settings | None, found: list[str]) -> Finding:
    wanted = settings.use_gpu if settings else "auto"
    if found:
        return ok("gpu", "doctor_gpu", devices=", ".join(found))
    if wanted == "required":
        return fail("gpu", "doctor_gpu_missing", say("doctor_fix_gpu"), wanted=wanted)
    if wanted == "true":
        return warn("gpu", "doctor_gpu_missing", say("doctor_fix_gpu"), wanted=wanted)
    return ok("gpu", "doctor_gpu_none")


def extras() -> Iterator[Finding]:
    """What only some commands need."""
    convert = not requirements.missing()
    yield ok(
        "convert", "doctor_extra_there" if convert else "doctor_extra_convert", extra="convert"
    )
    bench = find_spec("matplotlib") is not None
    yield ok("bench", "doctor_extra_there" if bench else "doctor_extra_bench", extra="bench")


def memory() -> Finding:
    free, total = available_bytes(), psutil.virtual_memory().total
    found = {"free": human_bytes(free), "total": human_bytes(total)}
    if free < LEAST_MEMORY:
        return warn("memory", "doctor_memory_low", say("doctor_fix_memory"), **found)
    return ok("memory", "doctor_memory", **found)


def limits() -> Finding:
    if sys.platform == "win32":
        return ok("limits", "doctor_limits_none")
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= files < FEWEST_FILES:
        return warn("limits", "doctor_limits_low", "ulimit -n 4096", files=files)
    return ok("limits", "doctor_limits", files=files)


def clock() -> Finding:
    """A clock that is behind this very code makes certificates and times of messages wrong."""
    newest = max(file.stat().st_mtime for file in _CODE.glob("*.py"))
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if time.time() < newest - 86_400:
        return warn("clock", "doctor_clock_behind", "sudo timedatectl set-ntp true", now=now)
    return ok("clock", "doctor_clock", now=now)


def _again(library: str) -> str:
    return f"{_pip()} install --force-reinstall --no-deps {library}"


def _pip() -> str:
    return f"{Path(sys.executable).name} -m pip"
