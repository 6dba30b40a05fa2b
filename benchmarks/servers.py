"""The servers that are measured: ours as users start it, and llama.cpp's own beside it."""

import contextlib
import http.client
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil

from app.engine.launcher import environment as engine_environment
from benchmarks.client import LLAMA_SERVER, OURS, BenchmarkError, Dialect
from benchmarks.llama_server import LlamaSettings
from benchmarks.processes import ROOT, child, free_port

START_SECONDS = 120.0
CONTEXT_LENGTH = 2048
SLOTS = 8


@dataclass(frozen=True)
class Contender:
    """A running server: process id, port, and how it is asked."""

    name: str
    pid: int
    port: int
    dialect: Dialect


def health(port: int, path: str = "/health") -> tuple[int, dict[str, Any]]:
    """Status and body of `GET path`; raises OSError or HTTPException."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def wait_ready(
    process: psutil.Process, port: int, log: Path, path: str = "/health"
) -> dict[str, Any]:
    """The first body of `path` with status 200. Raises BenchmarkError."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.is_running():
        if process.status() == psutil.STATUS_ZOMBIE:
            break
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, body = health(port, path)
            if status == 200:
                return body
        time.sleep(0.02)
    raise BenchmarkError(f"no server: {log.read_text(errors='replace')[-2000:]}")


@contextlib.contextmanager
def our_server(
    model: str, folder: Path, options: Sequence[str] = (), **settings: str
) -> Iterator[Contender]:
    """`uvicorn app.main:app` with `options` for it, ready to answer."""
    port, log = free_port(), folder / "server.log"
    environment = with_our_packages() | {
        "SLLM_MODEL_PATH": model,
        "DATA_DIR": str(folder),
        "USE_GPU": "false",
        "WARM_TEMPLATES": "false",
        "LOG_LEVEL": "warning",
        "CONTEXT_LENGTH": str(CONTEXT_LENGTH),
        "PARALLEL_SLOTS": str(SLOTS),
        **settings,
    }
    command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)]
    quiet = ["--no-access-log", "--log-level", "warning", "--loop", "uvloop"]
    with child([*command, *quiet, *options], environment, log) as process:
        wait_ready(process, port, log)
        yield Contender("ours", process.pid, port, OURS)


@contextlib.contextmanager
def llama_server(
    name: str, settings: LlamaSettings, folder: Path, same_openmp: bool
) -> Iterator[Contender]:
    """llama.cpp's server in a process of its own; `same_openmp` gives it our OpenMP runtime."""
    log = folder / f"llama-{settings.port}.log"
    environment = with_our_packages(engine_environment() if same_openmp else None)
    command = [sys.executable, "-m", "benchmarks.llama_server"]
    command.append(msgspec.json.encode(settings).decode())
    with child(command, environment, log) as process:
        wait_ready(process, settings.port, log)
        yield Contender(name, process.pid, settings.port, LLAMA_SERVER)


def like(model: str, port: int) -> LlamaSettings:
    """llama.cpp settings equal to those of our server on `port`."""
    _, body = health(port)
    text = body["models"]["text"]
    return LlamaSettings(
        path=model,
        port=free_port(),
        context_length=text["context_length"],
        slots=text["slots"]["total"],
        batch=text["settings"]["batch"],
        threads=text["settings"]["threads"],
    )


def with_our_packages(base: dict[str, str] | None = None) -> dict[str, str]:
    """Our packages are found from any working directory."""
    environment = dict(base or os.environ)
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
