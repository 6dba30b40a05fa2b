"""From settings to a running server: weights, port, banner, uvicorn.

Options of the command line are `app/cli.py`'s, what the server does once it runs `app/main.py`'s.
"""

import asyncio
import errno
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app import notify
from app.api_keys import KeysError, key_ring
from app.commands.words import say
from app.config import Settings
from app.engine import head_start
from app.engine.launcher import LLAMA_GPU, ONNX_GPU, gpu_devices
from app.engine.runtime_dir import runtime_directory
from app.logs.setup import configuration, configure
from app.provider.served import best
from app.provider.sllm_provider import preparation
from app.terminal import DownloadProgress, show_banner, warn
from app.weights import WeightsError, ensure
from app.weights.task import Task

if TYPE_CHECKING:
    from uvicorn import Config

STARTUP_FAILED = 3
# The engine that needs no weights, for tests (app/engine/backends/scripted.py).
WITHOUT_WEIGHTS = "scripted"


class ServeError(Exception):
    """The server cannot start; `str()` says why and what to do."""


def serve(settings: Settings) -> int:
    """Run until a signal ends it; returns the exit code. Raises ServeError."""
    # Processes started from here find our package, whatever lies in the working directory.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    configure(settings.log_level, settings.log_format)
    if settings.port:
        listen(settings.host, settings.port).close()
    require_keys(settings)
    require_gpu(settings)
    model = fetch_weights(settings)
    # After its own orderly end uvicorn raises the signal again: that end is a success.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if settings.workers > 1:
            return _serve_workers(settings, model)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve_alone(settings, model))
    except KeyboardInterrupt:
        return 0


async def _serve_alone(settings: Settings, model: str) -> int:
    """One process, whose engine loads while the web server is being imported."""
    # A fifth of that time goes to looking for garbage that is none.
    gc.disable()
    if model:
        await head_start.give(runtime_directory("text"), preparation(settings).prepare)
    await require_database(settings)
    with _announced(settings, model) as listener:
        # Late, as all that a web server brings along.
        from app.edge.web_server import WebServer

        server = WebServer(uvicorn_config(settings))
        await server.serve(sockets=[listener])
        return 0 if server.started else STARTUP_FAILED


def _serve_workers(settings: Settings, model: str) -> int:
    from uvicorn.supervisors import Multiprocess

    asyncio.run(require_database(settings))
    with _announced(settings, model) as listener:
        supervisor = Multiprocess(uvicorn_config(settings), sockets=[listener])
        supervisor.run()
    codes = {process.exitcode for process in supervisor.processes}
    return STARTUP_FAILED if STARTUP_FAILED in codes else 0


@contextmanager
def _announced(settings: Settings, model: str) -> Iterator[socket.socket]:
    """The socket of HOST and PORT, once people and systemd have been told of it."""
    with listen(settings.host, settings.port) as listener:
        address, port = listener.getsockname()[:2]
        has_keys = settings.api_keys_file is not None
        show_banner(model, address, port, has_keys, settings.log_format)
        notify.ready()
        yield listener


def fetch_weights(settings: Settings) -> str:
    """The model's name, once its weights are on this machine. Raises ServeError.

    Without a model of the user's choice the server starts all the same and keeps trying:
    then the name is "".
    """
    if settings.sllm_model_path == WITHOUT_WEIGHTS:
        return WITHOUT_WEIGHTS
    try:
        with DownloadProgress(log_format=settings.log_format) as progress:
            task = Task(progress)
            weights = ensure(settings.sllm_model_path, settings.data_dir, task)
            if settings.tuned:
                best(weights, settings.data_dir, task)
            return weights.id
    except WeightsError as error:
        told = say(error.text, **error.values)
        if settings.sllm_model_path is not None:
            raise ServeError(told) from error
        warn(f"{told}\n{say('serve_without_model')}", settings.log_format)
        return ""


def require_keys(settings: Settings) -> None:
    """Raises ServeError for a file of API keys that cannot be used."""
    try:
        key_ring(settings.api_keys_file)
    except KeysError as error:
        raise ServeError(say(error.text, **error.values)) from None


def require_gpu(settings: Settings) -> None:
    """Raises ServeError for USE_GPU=required where the library finds no GPU."""
    if settings.use_gpu == "required" and not asyncio.run(gpu_devices(LLAMA_GPU, ONNX_GPU)):
        raise ServeError(say("gpu_required"))


async def require_database(settings: Settings) -> None:
    """Raises ServeError for a database that cannot be used; nothing is made over it."""
    from app.database import DatabaseUnusable
    from app.storage import open_storage

    try:
        await (await open_storage(settings)).close()
    except DatabaseUnusable as error:
        raise ServeError(str(error)) from error


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`; port 0 takes any free one. Raises ServeError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # "localhost" is both; clients that try IPv6 first come to IPv4 then.
        family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        return _bound(family, address)
    except PermissionError:
        raise ServeError(say("serve_port_rights", port=port)) from None
    except OSError as error:
        raise ServeError(_why_not(host, port, error)) from error


def uvicorn_config(settings: Settings) -> "Config":
    """uvicorn as this server wants it; its own log goes through our formatter."""
    from uvicorn import Config

    from app.edge.http_protocol import GuardedProtocol

    return Config(
        "app.main:app",
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=GuardedProtocol,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        log_config=configuration(settings.log_level, settings.log_format),
    )


def _bound(family: int, address: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Not before listening is a port that somebody else listens on refused.
        listener.listen(2048)
        listener.set_inheritable(True)
    except OSError:
        listener.close()
        raise
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return say("serve_not_our_address", host=host)
    match error.errno:
        case errno.EADDRINUSE:
            return say("serve_port_taken", host=host, port=port)
        case errno.EADDRNOTAVAIL:
            return say("serve_not_our_address", host=host)
    return say("serve_cannot_listen", host=host, port=port, reason=error.strerror)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
