"""`sllm serve` as a user meets it: real processes, the engine that needs no weights."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app import __version__
from app.serve import ServeError, listen
from tests.cli.support import COMMAND, sllm
from tests.support import PATIENCE, processes


@contextmanager
def running(
    environment: dict[str, str], folder: Path, *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port and its address, once the banner has told it."""
    command = [*COMMAND, "serve", "--model", "scripted"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--port", "0", *arguments],
            cwd=folder,
            env=environment,
            stderr=subprocess.PIPE,
            stdout=log,
            text=True,
        )
    try:
        assert server.stderr
        told = ""
        while not (found := re.search(r"(http://\S+)/health", told)):
            line = server.stderr.readline()
            assert line, told
            told += line
        yield server, found[1]
    finally:
        server.terminate()
        server.communicate(timeout=PATIENCE)


def test_version(environment: dict[str, str], tmp_path: Path) -> None:
    assert sllm(environment, tmp_path, "--version").stdout == f"sllm {__version__}\n"


def test_bad_settings_end_with_the_reason_and_78(
    environment: dict[str, str], tmp_path: Path
) -> None:
    refused = sllm(environment | {"PORT": "eighty"}, tmp_path, "serve")
    assert refused.returncode == 78
    assert refused.stderr.startswith("PORT: not a whole number")
    assert "Traceback" not in refused.stderr


def test_an_option_wins_over_the_environment(environment: dict[str, str], tmp_path: Path) -> None:
    refused = sllm(environment | {"USE_GPU": "true"}, tmp_path, "serve", "--use-gpu", "maybe")
    assert refused.returncode == 2
    assert "--use-gpu" in refused.stderr


def test_a_model_that_cannot_be_had_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    refused = sllm(environment, tmp_path, "serve", "--port", "0", "--model", "nowhere.gguf")
    assert refused.returncode == 1
    assert "nowhere.gguf" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_one_clear_line(
    environment: dict[str, str], tmp_path: Path, workers: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        refused = sllm(environment, tmp_path, "serve", "--port", port, "--workers", workers)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"Port {port} on 127.0.0.1 is in use already; stop that server or set PORT.\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_told(host: str) -> None:
    with pytest.raises(ServeError, match="is not an address of this machine"):
        listen(host, 0)


def test_localhost_is_listened_to_on_ipv4() -> None:
    with listen("localhost", 0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_server_answers_and_ends_in_order(
    environment: dict[str, str], tmp_path: Path, workers: str
) -> None:
    with running(environment, tmp_path, "--workers", workers) as (server, url):
        assert httpx.get(f"{url}/health/live", timeout=PATIENCE).status_code == 200
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=PATIENCE)
        assert server.returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def _engines(server: int) -> list[int]:
    """All that were started for this server, whatever has become of it."""
    found = processes("app.engine.process", SLLM_SERVER_PID=str(server))
    return [process.pid for process in found]


def _wait_until_none_is_left(server: int) -> None:
    end = time.monotonic() + PATIENCE
    while _engines(server):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_engine_that_was_begun_early_is_the_one_that_serves(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with running(environment, tmp_path) as (server, url):
        (begun,) = _engines(server.pid)
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            while client.get("/health").status_code != 200:
                assert server.poll() is None
            assert _engines(server.pid) == [begun]
            os.kill(begun, signal.SIGKILL)
            while begun in _engines(server.pid) or client.get("/health").status_code != 200:
                assert server.poll() is None
        assert len(_engines(server.pid)) == 1
    _wait_until_none_is_left(server.pid)


def test_an_engine_does_not_stay_when_the_server_cannot_start(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "sllm.db").write_bytes(b"not a database" * 100)
    with subprocess.Popen(
        [*COMMAND, "serve", "--model", "scripted", "--port", "0"],
        cwd=tmp_path,
        env=environment | {"DATA_DIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        _, told = server.communicate(timeout=PATIENCE)
    assert server.returncode == 1
    assert "sllm.db is damaged" in told
    _wait_until_none_is_left(server.pid)


def test_headers_have_a_deadline(environment: dict[str, str], tmp_path: Path) -> None:
    """Only that our protocol is the one in use; its deadlines are tested in short elsewhere."""
    with running(environment, tmp_path) as (_, url):
        answer = httpx.get(f"{url}/health/live", timeout=PATIENCE)
    assert "server" not in answer.headers


def test_what_is_no_http_is_counted_and_logged(environment: dict[str, str], tmp_path: Path) -> None:
    with running(environment, tmp_path) as (server, url):
        address = httpx.URL(url)
        with socket.create_connection((address.host, address.port), PATIENCE) as broken:
            broken.sendall(b"NO HTTP secret words\r\n\r\n")
            answer = broken.makefile("rb").read().decode()
        page = httpx.get(f"{url}/metrics", timeout=PATIENCE).text
        server.terminate()
        log = server.communicate(timeout=PATIENCE)[1]
    assert answer.startswith("HTTP/1.1 400")
    labels = 'method="OTHER",route="(unmatched)",status="400"'
    assert f"sllm_http_requests_total{{{labels}}} 1.0" in page
    [request] = re.findall(r"x-request-id: (\w+)", answer)
    assert f"[{request}] - - 400 " in log
    assert "secret" not in log


def test_beyond_loopback_the_banner_warns(environment: dict[str, str], tmp_path: Path) -> None:
    with running(environment, tmp_path, "--host", "0.0.0.0") as (server, url):
        assert url.startswith("http://127.0.0.1:")
        assert server.stderr
        assert server.stderr.readline().startswith("WARNING: this server listens beyond")


def test_a_required_gpu_that_is_not_there_is_one_plain_line(
    environment: dict[str, str], tmp_path: Path
) -> None:
    result = sllm(environment, tmp_path, "serve", "--model", "scripted", "--use-gpu", "required")
    assert result.returncode == 1
    assert "USE_GPU=required" in result.stderr
    assert "Traceback" not in result.stderr
