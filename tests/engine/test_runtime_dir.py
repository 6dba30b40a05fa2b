"""The status file: every word of the owner reaches the other workers."""

from pathlib import Path

from app.domain.model_info import Notice
from app.engine.runtime_dir import EngineStatus, StatusFile


def test_nothing_written_is_loading(tmp_path: Path) -> None:
    assert StatusFile(tmp_path).read() == EngineStatus("loading")


def test_a_reader_sees_every_new_word(tmp_path: Path) -> None:
    owner, reader = StatusFile(tmp_path), StatusFile(tmp_path)
    for number in range(1, 200):
        status = EngineStatus("ready", pid=number)
        owner.write(status)
        assert reader.read() == reader.read() == status
    failed = EngineStatus("failed", Notice("crashed_while_loading", {"model": "m"}), None, 3)
    owner.write(failed)
    assert reader.read() == failed


def test_a_word_that_is_gone_is_not_told_any_more(tmp_path: Path) -> None:
    owner, reader = StatusFile(tmp_path), StatusFile(tmp_path)
    owner.write(EngineStatus("ready", pid=1))
    assert reader.read().state == "ready"
    (tmp_path / "status.json").unlink()
    assert reader.read() == EngineStatus("loading")
