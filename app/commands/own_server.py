"""A server of the command's own, for as long as the command runs: found a port, started, waited
for, ended.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.commands.client import Client, UnreachableError
from app.commands.words import say
from app.config import Settings

LOOK_SECONDS = 0.1
END_SECONDS = 30.0
_ROOT = Path(__file__).resolve().parents[2]


class NoServerError(Exception):
    """The server did not come up; `str()` says why."""


@dataclass(frozen=True)
class OwnServer:
    """A running one: its client, and its process id."""

    client: Client
    pid: int


@contextmanager
def own_server(
    settings: Settings, model: str | None = None, key: str | None = None, **changes: str
) -> Iterator[OwnServer]:
    """A server whose model answers: `model`, or the settings' own. `changes` are other
    settings. Raises NoServerError."""
    if model is not None:
        settings = settings.model_copy(update={"sllm_model_path": model})
        changes["SLLM_MODEL_PATH"] = model
    port = _prepared(settings)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = _started(port, log.fileno(), changes)
        try:
            with Client(f"http://127.0.0.1:{port}", key) as client:
                _wait(client, process, lambda: _last_lines(log.fileno()))
                yield OwnServer(client, process.pid)
        finally:
            _end(process)


def _prepared(settings: Settings) -> int:
    """Fetch the weights, with progress on this terminal; then a port that is free."""
    # Late: it brings a web server along.
    from app.serve import ServeError, fetch_weights, listen

    try:
        fetch_weights(settings)
        with listen("127.0.0.1", 0) as probe:
            port: int = probe.getsockname()[1]
    except ServeError as error:
        raise NoServerError(str(error)) from error
    return port


def _started(port: int, log: int, changes: dict[str, str]) -> subprocess.Popen[bytes]:
    paths = [str(_ROOT), os.environ.get("PYTHONPATH")]
    environment = {
        **os.environ, "HOST": "127.0.0.1", "PORT": str(port), "WORKERS": "1", **changes,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }  # fmt: skip
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-P", "-m", "app.cli", "serve", "--child-of", str(os.getpid())],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # A terminal's Ctrl-C stops an answer, not the server.
        start_new_session=True,
    )


def _wait(client: Client, process: subprocess.Popen[bytes], log: Callable[[], str]) -> None:
    """Until the text model answers; a model that cannot be loaded ends the waiting."""
    while process.poll() is None:
        try:
            text = client.health()["models"]["text"]
        except UnreachableError:
            text = {"status": "loading"}
        if text["status"] == "ready":
            return
        if text["status"] != "loading":
            raise NoServerError(text.get("reason") or log())
        time.sleep(LOOK_SECONDS)
    raise NoServerError(say("own_server_ended", log=log()))


def _last_lines(log: int) -> str:
    size = os.fstat(log).st_size
    start = max(0, size - 2000)
    return os.pread(log, size - start, start).decode("utf-8", "replace").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    """In order, so that what was said is on disk; by force if that takes too long."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
