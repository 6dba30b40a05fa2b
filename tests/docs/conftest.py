"""A server as the README starts it: through the command line, with the embedded weights."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.weights import ModelSpec
from tests.docs.markdown import ROOT
from tests.support import PATIENCE, free_port


class ReadmeServer:
    """`./run.sh` on another port; run.sh ends in this very command."""

    def __init__(self, folder: Path, data_dir: Path, *options: str, **settings: str) -> None:
        self.port = free_port()
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "server.log"
        command = [sys.executable, "-m", "app.cli", "serve", "--port", str(self.port), *options]
        environment = {**os.environ, "DATA_DIR": str(data_dir)}
        environment.pop("SLLM_MODEL_PATH", None)
        environment |= settings
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait(self) -> None:
        """Until the model answers."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self._process.poll() is None, self.log
            try:
                answer = httpx.get(f"{self.url}/health")
                waiting = answer.json()["models"]["vision"]["status"] == "loading"
                if answer.status_code == 200 and not waiting:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(0.05)
        raise AssertionError(self.log)

    def stop(self) -> int:
        """End it as Ctrl-C does; the exit code."""
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


def run_program(program: str, folder: Path, *arguments: str) -> None:
    """One of the programs at the top of the checkout, with `folder` as the working directory."""
    subprocess.run([sys.executable, str(ROOT / program), *arguments], cwd=folder, check=True)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All documents as `export_static_docs.py FOLDER` writes them."""
    folder = tmp_path_factory.mktemp("published")
    run_program("export_static_docs.py", folder, "here")
    return folder / "here"


@pytest.fixture(scope="session")
def readme_server(
    tmp_path_factory: pytest.TempPathFactory, embedded: ModelSpec, weights_dir: Path
) -> Iterator[ReadmeServer]:
    """Started once; `embedded` makes sure that its weights are there."""
    yield from served(ReadmeServer(tmp_path_factory.mktemp("readme"), weights_dir))


@pytest.fixture(scope="session")
def seeing_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadmeServer]:
    """With the demo that sees, a stand-in for texts, and the pictures of this repository."""
    folder = tmp_path_factory.mktemp("readme-vision")
    shutil.copytree(ROOT / "docs" / "pictures", folder / "docs" / "pictures")
    models = {"SLLM_MODEL_PATH": "scripted", "VISION_MODEL_PATH": "shapes-demo"}
    yield from served(ReadmeServer(folder, folder, **models))


def served(server: ReadmeServer) -> Iterator[ReadmeServer]:
    try:
        server.wait()
        yield server
    finally:
        code = server.stop()
    assert code == 0, server.log
