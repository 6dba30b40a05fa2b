"""The engine process: `python -m app.engine.process`, its EngineSpec on standard input.

Writes one JSON line to standard output, `{}` when the weights are loaded or `{"text", "values"}`
when they cannot be; then serves workers on `engine.sock` until none is left.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TextIO

import msgspec
import uvloop

from app.engine.backends.base import Backend, LoadError
from app.engine.backends.scripted import ScriptedBackend
from app.engine.lifeline import die_with_parent, outlive_parent
from app.engine.runtime_dir import OwnerLock, remove
from app.engine.server import EngineServer
from app.engine.spec import EngineSpec
from app.engine.threads.adapting import adapt
from app.logs.setup import configure

WRITE_SECONDS = 5.0
log = logging.getLogger(__name__)


def main() -> int:
    """0 when the server left, 1 when the weights cannot be loaded, 2 when the backend died."""
    # Ctrl-C in a terminal reaches the whole group; when to end is the server's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(os.getppid())
    answers = _answers()
    spec = msgspec.json.decode(sys.stdin.buffer.read(), type=EngineSpec)
    configure(spec.log_level, spec.log_format)
    try:
        backend = load(spec)
    except LoadError as error:
        _report(answers, {"text": error.text, "values": error.values})
        return 1
    return uvloop.run(_serve(spec, backend, answers))


def load(spec: EngineSpec) -> Backend:
    """Blocks. Raises LoadError."""
    # Each library only where it is needed: they are large, and one may be broken.
    match spec.backend:
        case "scripted":
            return ScriptedBackend(spec)
        case "onnx":
            from app.engine.backends.onnx import OnnxBackend

            return OnnxBackend.load(spec)
        case "llama":
            from app.engine.backends.llama import LlamaBackend

            return LlamaBackend.load(spec)


def _answers() -> TextIO:
    """Standard output, for our own words only: what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _report(answers: TextIO, outcome: dict[str, object]) -> None:
    answers.write(json.dumps(outcome) + "\n")
    answers.flush()


async def _serve(spec: EngineSpec, backend: Backend, answers: TextIO) -> int:
    await backend.open()
    server = EngineServer(backend, spec)
    path = Path(spec.directory) / "engine.sock"
    path.unlink(missing_ok=True)
    listener = await asyncio.get_running_loop().create_unix_server(server.connection, str(path))
    path.chmod(0o600)
    # From here on the connections hold the engine: it outlives the worker that started it.
    outlive_parent()
    _report(answers, {})
    beat = asyncio.create_task(server.beat())
    adapting = asyncio.create_task(adapt(spec, backend.info.device, server.compute_with))
    ends = {
        asyncio.create_task(server.connections.abandoned()): 0,
        asyncio.create_task(server.died.wait()): 2,
    }
    done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    listener.close()
    beat.cancel()
    adapting.cancel()
    code = max(ends[task] for task in done)
    if code == 0:
        await _close(server)
    if code == 0 and OwnerLock(Path(spec.directory)).try_acquire():
        remove(Path(spec.directory))
    # The library's threads may be in the middle of a batch: leave without its destructors.
    os._exit(code)


async def _close(server: EngineServer) -> None:
    """What slots hold and no file does is written now, within reason."""
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            await server.keeper.close()
    except TimeoutError:
        log.warning("not all caches of conversations could be kept in time")


if __name__ == "__main__":
    sys.exit(main())
