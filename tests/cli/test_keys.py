"""`sllm keys`: made, listed, revoked; through the settings' file or a named one."""

import json
import os
import stat
from pathlib import Path

import pytest

from app import api_keys
from tests.cli.support import sllm


def test_keys_live_in_the_file_of_the_settings(environment: dict[str, str], tmp_path: Path) -> None:
    settings = environment | {"API_KEYS_FILE": str(tmp_path / "mine.json")}
    made = sllm(settings, tmp_path, "keys", "create", "--name", "노트북")
    assert made.returncode == 0
    (entry,) = json.loads((tmp_path / "mine.json").read_text())
    assert entry["name"] == "노트북"
    assert stat.S_IMODE((tmp_path / "mine.json").stat().st_mode) == 0o600
    assert "노트북" in sllm(settings, tmp_path, "keys", "list").stdout
    assert sllm(settings, tmp_path, "keys", "revoke", entry["id"]).returncode == 0
    assert "노트북" not in sllm(settings, tmp_path, "keys", "list").stdout


def test_an_unknown_key_is_told_with_the_way_out(
    environment: dict[str, str], tmp_path: Path
) -> None:
    sllm(environment, tmp_path, "keys", "create")
    done = sllm(environment, tmp_path, "keys", "revoke", "key_0")
    assert (done.returncode, "sllm keys list" in done.stderr) == (1, True)


def test_a_file_that_holds_no_keys_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    for arguments in (["list"], ["create"], ["revoke", "key_0"]):
        done = sllm(environment, tmp_path, "keys", *arguments, "--file", "keys.json")
        assert (done.returncode, "is not a file of keys" in done.stderr) == (1, True)
    assert (tmp_path / "keys.json").read_text() == "{}"
    missing = sllm(environment, tmp_path, "keys", "list", "--file", "none.json")
    assert (missing.returncode, "sllm keys create" in missing.stderr) == (1, True)


def test_revoking_in_a_file_that_is_not_there_makes_none(
    environment: dict[str, str], tmp_path: Path
) -> None:
    done = sllm(environment, tmp_path, "keys", "revoke", "key_0", "--file", "none.json")
    assert (done.returncode, "there is no none.json" in done.stderr) == (1, True)
    assert not (tmp_path / "none.json").exists()


def test_a_name_that_is_no_text_leaves_the_file_readable(
    environment: dict[str, str], tmp_path: Path
) -> None:
    sllm(environment, tmp_path, "keys", "create", "--name", os.fsdecode(b"a\xffb"))
    shown = sllm(environment, tmp_path, "keys", "list")
    assert "a\N{REPLACEMENT CHARACTER}b" in shown.stdout, shown.stderr


def test_a_place_that_cannot_be_written_is_told(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")
    korean = environment | {"LANG": "ko_KR.UTF-8"}
    done = sllm(korean, tmp_path, "keys", "create", "--file", "blocked/keys.json")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "keys.json 파일을 쓸 수 없습니다" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device there")
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    api_keys.create(path, "first")
    before = sorted(tmp_path.iterdir())
    (tmp_path / f"keys.json.{os.getpid()}").symlink_to("/dev/full")
    with pytest.raises(api_keys.KeysError, match="No space left"):
        api_keys.create(path, "second")
    assert sorted(tmp_path.iterdir()) == before
    assert [each.name for each in api_keys.read(path)] == ["first"]
