"""`sllm models pull` from a hub: resumed, checked, refused; the same file API, on loopback."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from app.weights import locate
from tests.cli.support import COMMAND, sllm
from tests.support import PATIENCE
from tests.weights.entries import CONTENT
from tests.weights.hub_pages import HubPages
from tests.weights.onnx_builder import write_folder
from tests.weights.web import Handler, drop_after


def test_the_best_file_is_fetched_checked_and_served_by_name(
    there: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    done = sllm(there, tmp_path, "models", "pull", "maker/tiny")
    assert done.returncode == 0, done.stderr
    assert "sllm serve --model hf:maker/tiny:tiny-Q4_K_M.gguf" in done.stdout
    assert "licence mit" in done.stderr
    assert "3.1 MB needed" in done.stderr
    assert [path for path, _ in hub.web.asked if "README" in path] == []
    found = locate("hf:maker/tiny", tmp_path)
    assert found is not None
    assert Path(found.path).read_bytes() == CONTENT
    assert "hf:maker/tiny:tiny-Q4_K_M.gguf" in sllm(there, tmp_path, "models", "list").stdout
    assert sllm(there, tmp_path, "models", "check").returncode == 0


def test_a_second_pull_fetches_nothing(
    there: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    for _ in range(2):
        assert sllm(there, tmp_path, "models", "pull", "hf:maker/tiny").returncode == 0
    assert len(hub.web.starts(hub.path("tiny-Q4_K_M.gguf"))) == 1


def test_what_was_broken_off_is_gone_on_with(
    there: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    page = hub.web.pages[hub.path("tiny-Q4_K_M.gguf")]
    page.faults.append(drop_after(1_000_000))
    assert sllm(there, tmp_path, "models", "pull", "hf:maker/tiny").returncode == 0
    first, second = hub.web.starts(hub.path("tiny-Q4_K_M.gguf"))
    assert (first, second > 0) == (0, True)


def test_after_ctrl_c_the_next_pull_goes_on(
    there: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    pulls: list[subprocess.Popen[str]] = []

    def interrupt(handler: Handler, body: bytes) -> None:
        drop_after(1_000_000, lambda: pulls[0].send_signal(signal.SIGINT))(handler, body)

    hub.web.pages[hub.path("tiny-Q4_K_M.gguf")].faults.append(interrupt)
    command = [*COMMAND, "models", "pull", "hf:maker/tiny"]
    pulls.append(subprocess.Popen(command, cwd=tmp_path, env=there, stderr=-1, text=True))
    _, told = pulls[0].communicate(timeout=PATIENCE)
    assert (pulls[0].returncode, "Stopped." in told) == (130, True)
    left = sllm(there, tmp_path, "models", "list", "--all", "--here").stdout
    assert ".fetching" in left
    assert sllm(there, tmp_path, "models", "pull", "hf:maker/tiny").returncode == 0
    assert hub.web.starts(hub.path("tiny-Q4_K_M.gguf"))[-1] > 0


@pytest.mark.parametrize("name", ["tiny-Q4_K_M.gguf", "config.json"])
def test_another_file_than_promised_is_not_kept(
    environment: dict[str, str], hub: HubPages, tmp_path: Path, name: str
) -> None:
    source = tmp_path / "source"
    write_folder(source)
    hub.files |= {"config.json": (source / "config.json").read_bytes()}
    if name == "config.json":
        hub.files = {file.name: file.read_bytes() for file in source.iterdir() if file.is_file()}
    hub.wrong = (name,)
    hub.publish()
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    done = sllm(settings, tmp_path, "models", "pull", "hf:maker/tiny")
    assert done.returncode == 1
    assert "was not kept" in done.stderr
    assert list(tmp_path.glob(f"hub/*/{name}")) == []
    assert sllm(settings, tmp_path, "models", "list", "--here", "--json").stdout.count("hf:") == 0


def test_what_does_not_fit_on_the_disk_is_not_begun(
    environment: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    hub.publish()
    place = "/api/models/maker/tiny?blobs=true"
    described = json.loads(hub.web.pages[place].body)
    described["siblings"][0]["size"] = described["siblings"][0]["lfs"]["size"] = 10**17
    hub.web.pages[place].body = json.dumps(described).encode()
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    too_big = sllm(settings, tmp_path, "models", "pull", "hf:maker/tiny")
    assert (too_big.returncode, "--force" in too_big.stderr) == (1, True)
    full = sllm(settings, tmp_path, "models", "pull", "hf:maker/tiny", "--force")
    assert (full.returncode, "not enough disk space" in full.stderr) == (1, True)
    assert hub.web.starts(hub.path("tiny-Q4_K_M.gguf")) == []
