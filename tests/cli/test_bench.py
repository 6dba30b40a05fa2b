"""`sllm bench` and `sllm docs export`."""

import json
from pathlib import Path

import pytest

from tests.cli.support import sllm
from tests.support import ROOT

QUICK = ("--streams", "1,2", "--repeat", "1", "--tokens", "8", "--prompt", "16")


def test_figures_of_each_number_of_streams(environment: dict[str, str], tmp_path: Path) -> None:
    done = sllm(environment, tmp_path, "bench", "scripted", "--json", "--png", "a.png", *QUICK)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["figures"]
    assert [(each["model"], each["streams"]) for each in figures] == [
        ("scripted", 1),
        ("scripted", 2),
    ]
    assert all(each["completion_tokens"] == 8 for each in figures)
    assert all(each["memory_bytes"] > 1_000_000 for each in figures)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_says_what_it_shows(environment: dict[str, str], tmp_path: Path) -> None:
    done = sllm(environment | {"LANG": "ko_KR"}, tmp_path, "bench", "scripted", *QUICK)
    assert "첫 토큰" in done.stdout
    assert "중앙값" in done.stdout


def test_without_matplotlib_the_command_is_told(
    environment: dict[str, str], tmp_path: Path
) -> None:
    # As on a machine that has none.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "real = util.find_spec\n"
        "util.find_spec = lambda name, *rest: name != 'matplotlib' and real(name, *rest) or None\n"
    )
    path = f"{tmp_path}:{environment['PYTHONPATH']}"
    done = sllm(environment | {"PYTHONPATH": path}, tmp_path, "bench", "scripted", "--png", "a.png")
    assert (done.returncode, "poetry install -E bench" in done.stderr) == (1, True)


@pytest.mark.parametrize("streams", ["0", "x", "1,", "1000", ""])
def test_streams_that_make_no_sense(
    environment: dict[str, str], tmp_path: Path, streams: str
) -> None:
    done = sllm(environment, tmp_path, "bench", "scripted", "--streams", streams)
    assert (done.returncode, "--streams" in done.stderr) == (2, True)


def test_weights_that_cannot_be_had(environment: dict[str, str], tmp_path: Path) -> None:
    done = sllm(environment, tmp_path, "bench", "nowhere.gguf", *QUICK)
    assert (done.returncode, "nowhere.gguf" in done.stderr) == (69, True)
    assert "Traceback" not in done.stderr


def test_documents_are_written(environment: dict[str, str], tmp_path: Path) -> None:
    done = sllm(environment, tmp_path, "docs", "export", "out")
    assert done.returncode == 0, done.stderr
    for name in ("v1", "v5"):
        kept = (ROOT / "api_docs" / f"{name}.openapi.json").read_text()
        assert (tmp_path / "out" / f"{name}.openapi.json").read_text() == kept
        assert (tmp_path / "out" / f"{name}.ko.md").is_file()
    with_site = sllm(environment, tmp_path, "docs", "export", "out", "--site")
    assert with_site.returncode == 0, with_site.stderr
    assert (tmp_path / "out" / "site" / "v5.swagger.html").is_file()
    (tmp_path / "file").write_text("")
    refused = sllm(environment, tmp_path, "docs", "export", "file")
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
