"""Starts an engine process and waits until it has loaded or says why not."""

import asyncio
import json
import os
import signal
import sys
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from app.domain.model_info import Notice
from app.engine.runtime_dir import server_pid
from app.engine.spec import EngineSpec
from app.engine.threads import openmp

_ROOT = Path(__file__).resolve().parents[2]
# Print what the installed builds of the libraries can use, as JSON lists.
LLAMA_GPU = "app.engine.backends.llama_gpu"
ONNX_GPU = "app.engine.onnx.gpu"


class EngineFailed(Exception):
    """The engine did not come up; `reason` is for people."""

    def __init__(self, reason: Notice) -> None:
        super().__init__(reason.text)
        self.reason = reason


def environment(*, adapting: bool = False) -> dict[str, str]:
    """The engine's environment: our package on its path, and LLVM's OpenMP runtime.

    xllamacpp asks for `libgomp.so.1`, which a bare Debian does not have; the wheel
    `cmeel-libomp` brings LLVM's runtime under that name. It also spins less harmfully beside
    busy neighbours (docs/decisions/0003), and where the engine is `adapting` its teams can grow
    and shrink (0025). A user's own settings win.
    """
    env = dict(os.environ)
    # For people and tools that look at the process table.
    env["SLLM_SERVER_PID"] = str(server_pid())
    # A folder called app in the working directory must not be taken for ours.
    env["PYTHONSAFEPATH"] = "1"
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), env.get("PYTHONPATH")]))
    bundled = Path(sysconfig.get_path("purelib")) / "cmeel.prefix" / "lib"
    if (bundled / "libgomp.so.1").exists():
        paths = [str(bundled), env.get("LD_LIBRARY_PATH")]
        env["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, paths))
        if adapting:
            env |= openmp.settings(env)
    return env


class Launch(Struct, frozen=True):
    """An engine process that has been told what to load."""

    spec: EngineSpec
    process: asyncio.subprocess.Process


async def begin(spec: EngineSpec) -> Launch:
    """Start a process that loads `spec`; `loaded` waits for it."""
    async with _standard_error(spec) as standard_error:
        process = await _started(standard_error, spec)
    assert process.stdin is not None
    try:
        spec = msgspec.structs.replace(spec, server=server_pid())
        process.stdin.write(msgspec.json.encode(spec))
        await process.stdin.drain()
        process.stdin.close()
    except BaseException:
        _kill(process)
        raise
    return Launch(spec, process)


async def loaded(launch: Launch) -> asyncio.subprocess.Process:
    """The engine, listening. Raises EngineFailed; the process is then gone."""
    process = launch.process
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
    except BaseException:
        _kill(process)
        raise
    if line and not (outcome := json.loads(line)):
        return process
    code = await process.wait()
    raise EngineFailed(_reason(outcome if line else None, code, launch.spec))


async def _started(standard_error: int | None, spec: EngineSpec) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.engine.process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=standard_error,
        env=environment(adapting=spec.cpu_adapt == "auto"),
        # Its own session: a terminal's Ctrl-C is not its business.
        start_new_session=True,
    )


@asynccontextmanager
async def _standard_error(spec: EngineSpec) -> AsyncIterator[int | None]:
    """Where an engine writes its log: ours, or for JSON a relay, which ends when the engine has."""
    if spec.log_format == "text":
        yield None
        return
    reading, writing = os.pipe()
    try:
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.engine.log_relay",
            spec.log_level,
            stdin=reading,
            env=environment(),
            start_new_session=True,
        )
        yield writing
    finally:
        os.close(reading)
        os.close(writing)


async def gpu_devices(*modules: str) -> list[str]:
    """Names of the GPUs that the libraries behind `modules` can use, each asked in a process of
    its own."""
    asked = await asyncio.gather(*map(_devices, modules))
    return [name for names in asked for name in names]


async def _devices(module: str) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
    )
    output, _ = await process.communicate()
    names: list[str] = json.loads(output) if process.returncode == 0 else []
    return names


def _reason(outcome: dict[str, object] | None, code: int, spec: EngineSpec) -> Notice:
    if outcome is not None:
        return msgspec.convert(outcome, Notice)
    name = signal.Signals(-code).name if code < 0 else str(code)
    return Notice("crashed_while_loading", {"model": spec.id, "signal": name})


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
