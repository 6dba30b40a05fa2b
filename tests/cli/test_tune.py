"""`sllm tune` on tiny weights, which llama.cpp really runs."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.api.tiny_gguf import write_gguf
from tests.cli.support import COMMAND, sllm
from tests.support import PATIENCE

QUICK = ("--rounds", "1", "--formats", "Q8_0,Q4_0")


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    return str(write_gguf(tmp_path / "tiny.gguf", "llama"))


def tuned(environment: dict[str, str], folder: Path, *arguments: str) -> dict[str, Any]:
    done = sllm(environment, folder, "tune", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def left(folder: Path) -> list[str]:
    """What lies in DATA_DIR of it."""
    files = [path for name in ("tuned", "requantized") for path in (folder / name).glob("*")]
    return sorted(path.name for path in files if path.suffix != ".lock")


def test_forms_are_measured_beside_the_source(
    environment: dict[str, str], tmp_path: Path, tiny: str
) -> None:
    told = tuned(environment, tmp_path, tiny, *QUICK)
    assert [each["name"] for each in told["formats"]] == ["F32", "Q8_0", "Q4_0"]
    source, eight, four = told["formats"]
    assert source["loss"]["percent"] == 0
    assert abs(eight["loss"]["percent"]) < abs(four["loss"]["percent"])
    for each in told["formats"]:
        assert each["prefill"] > 0
        assert set(each["decode"]) == {"1", "8"}
        assert all(rate > 0 for rate in each["decode"].values())
    assert told["best"]["name"] in ("F32", "Q8_0", "Q4_0")
    assert told["kept"] is False
    assert left(tmp_path) == []


def test_a_kept_choice_is_what_servers_read(
    environment: dict[str, str], tmp_path: Path, tiny: str
) -> None:
    told = tuned(environment, tmp_path, tiny, *QUICK, "--yes")
    assert told["kept"] is True
    (path,) = (tmp_path / "tuned").glob("*.json")
    chosen = json.loads(path.read_bytes())
    assert (chosen["threads"], chosen["batch"]) == (
        told["best"]["threads"],
        told["best"]["batch"],
    )
    assert (chosen["kind"] == "source") is (told["best"]["name"] == "F32")
    forgotten = sllm(environment, tmp_path, "tune", tiny, "--forget")
    assert forgotten.returncode == 0, forgotten.stderr
    assert left(tmp_path) == []
    again = sllm(environment, tmp_path, "tune", tiny, "--forget")
    assert (again.returncode, "no choice" in again.stderr) == (1, True)


def test_a_dry_run_makes_nothing(environment: dict[str, str], tmp_path: Path, tiny: str) -> None:
    told = tuned(environment, tmp_path, tiny, "--dry-run", "--formats", "Q8_0")
    assert (told["formats"], told["missing"]) == (["Q8_0"], ["Q8_0"])
    assert told["disk_needed"] > 0
    assert left(tmp_path) == []


def test_no_before_any_work(environment: dict[str, str], tmp_path: Path, tiny: str) -> None:
    done = sllm(environment, tmp_path, "tune", tiny, *QUICK, piped="n\n")
    assert (done.returncode, left(tmp_path)) == (1, [])


def test_no_to_a_table_in_the_language_of_the_terminal(
    environment: dict[str, str], tmp_path: Path, tiny: str
) -> None:
    korean = environment | {"LANG": "ko_KR"}
    done = sllm(korean, tmp_path, "tune", tiny, *QUICK, piped="y\nn\n")
    assert (done.returncode, left(tmp_path)) == (1, [])
    assert "F32(원본)" in done.stdout
    assert "퍼플렉시티" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--formats", "Q9_9"], 2, "Q9_9"),
        (["nowhere.gguf"], 1, "nowhere.gguf"),
        (["--rounds", "0"], 2, "--rounds"),
        (["nowhere.gguf", "--forget"], 1, "nowhere.gguf"),
    ],
)
def test_what_makes_no_sense(
    environment: dict[str, str], tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    done = sllm(environment, tmp_path, "tune", *arguments)
    assert (done.returncode, text in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_leaves_nothing_behind(
    environment: dict[str, str], tmp_path: Path, tiny: str
) -> None:
    command = [*COMMAND, "tune", tiny, "--yes", "--rounds", "20", "--formats", "Q8_0"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not list((tmp_path / "requantized").glob("*.gguf")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE)
    assert (process.returncode, b"Traceback" in told) == (130, False), told
    assert left(tmp_path) == []
