"""A real server in a process of its own, for tests that go through HTTP."""

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

from app import api_keys

ROOT = Path(__file__).resolve().parents[1]
# Bounds, never expectations: a test that takes this long has hung.
PATIENCE = 180.0


# Below those that systems give to whoever asks for any, so that none is taken between its choice
# and its use; each of the processes that run tests side by side has its own.
_LOWEST_PORT, _PORTS = 12_000, 4_000
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_ports = itertools.count(random.randrange(_PORTS))


def free_port() -> int:
    while True:
        port = _LOWEST_PORT + _WORKER % 4 * _PORTS + next(_ports) % _PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """`app.main:app` under uvicorn on loopback; `settings` are environment variables."""

    def __init__(self, folder: Path, settings: dict[str, str], *options: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / f"server-{self.port}.log"
        quiet = {"USE_GPU": "false", "WARM_TEMPLATES": "false"}
        environment = {**os.environ, "DATA_DIR": str(folder), **quiet, **settings}
        command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(self.port)]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *options], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def health(self) -> dict[str, Any]:
        body: dict[str, Any] = self.http.get("/health").json()
        return body

    def wait_for(self, *wanted: str) -> dict[str, Any]:
        """The first `/health` with one of these words as its status."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log
            with contextlib.suppress(httpx.TransportError):
                body = self.health()
                if body["status"] in wanted:
                    return body
            time.sleep(0.02)
        raise AssertionError(f"never {wanted}: {self.log}")

    def wait_idle(self) -> None:
        """Until no slot is busy and nobody waits."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            body = self.health()
            if not body["models"]["text"]["slots"]["busy"] and not body["queue"]["waiting"]:
                return
            time.sleep(0.02)
        raise AssertionError("a slot stays busy")

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Look again until it has happened; fails after PATIENCE."""
        end = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < end, self.log
            time.sleep(0.02)

    def fresh_get(self, path: str) -> httpx.Response:
        """Over a connection of its own, which any worker may take. `verify`: reading certificates
        costs more than the request, and there are none."""
        return httpx.get(self.url + path, timeout=PATIENCE, verify=False)

    def fresh_post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """As `fresh_get`."""
        return httpx.post(self.url + path, json=body, timeout=PATIENCE, verify=False)

    def root(self) -> psutil.Process:
        return psutil.Process(self.process.pid)

    def workers(self) -> list[psutil.Process]:
        """The processes that `uvicorn --workers` started for HTTP."""
        engines = {engine.pid for engine in self.engines()}
        return [
            child
            for child in self.root().children()
            if child.pid not in engines and "spawn_main" in _command(child)
        ]

    def runtime_directories(self) -> list[Path]:
        """Where this server's engines have their sockets."""
        return sorted(Path(tempfile.gettempdir()).glob(f"sllm-*/{self.process.pid}-*/"))

    def engines(self) -> list[psutil.Process]:
        """Engine processes that serve this server, by the server they belong to."""
        return processes("app.engine.process", SLLM_SERVER_PID=str(self.process.pid))

    def tree(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def chat(self, message: str, **fields: Any) -> httpx.Response:
        return self.http.post("/api/v2/chat", json={"message": message, **fields})

    def stop(self) -> None:
        """End it in order; whatever does not is killed."""
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise


@contextlib.contextmanager
def closed(folder: Path, **settings: str) -> Iterator[tuple[Server, str]]:
    """A server that asks for keys, ready, and a key, which its client sends."""
    _, key = api_keys.create(folder / "keys.json", "test")
    file = {"API_KEYS_FILE": str(folder / "keys.json")}
    server = Server(folder, {"SLLM_MODEL_PATH": "scripted"} | file | settings)
    server.http.headers["Authorization"] = f"Bearer {key}"
    try:
        server.wait_for("ok")
        yield server, key
    finally:
        server.stop()


def processes(argument: str, **variables: str) -> list[psutil.Process]:
    """Those with this argument and these variables; others, of whoever, may end meanwhile."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if argument in (process.info["cmdline"] or []):
            with contextlib.suppress(psutil.NoSuchProcess):
                if variables.items() <= process.environ().items():
                    found.append(process)
    return found


def _command(process: psutil.Process) -> str:
    """Empty for one that has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


@contextlib.contextmanager
def running(folder: Path, settings: dict[str, str], *options: str) -> Iterator[Server]:
    """A server whose model is ready."""
    server = Server(folder, settings, *options)
    try:
        server.wait_for("ok")
        yield server
    finally:
        server.stop()


def sse(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """Events of a stream as (name, data); comments are skipped."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def events(server: Server, message: str, **fields: Any) -> list[tuple[str, Any]]:
    """All events of one streamed chat."""
    body = {"message": message, **fields}
    with server.http.stream("POST", "/api/v2/chat/stream", json=body) as response:
        assert response.status_code == 200, response.read()
        return list(sse(response.iter_lines()))
