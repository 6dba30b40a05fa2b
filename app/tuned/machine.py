"""What figures hold for: the processor, its cores, and the builds of the engines."""

import platform
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

_PROCESSOR_INFO = Path("/proc/cpuinfo")
_ENGINES = ("xllamacpp", "onnxruntime")


class Machine(Struct, frozen=True):
    """`engines` are the versions of the libraries that compute."""

    processor: str
    threads: int
    engines: tuple[str, ...]


def this_machine(threads: int) -> Machine:
    """`threads` is how many the engines get by default."""
    engines = tuple(f"{name} {version(name)}" for name in _ENGINES)
    return Machine(processor(), threads, engines)


def processor() -> str:
    """Its model's name; where the system does not tell, the architecture."""
    try:
        lines = _PROCESSOR_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    pairs = (line.partition(":") for line in lines)
    names = (value.strip() for key, _, value in pairs if key.strip() == "model name")
    return next(names, "") or platform.processor() or platform.machine()
