"""`sllm doctor`: what is wrong, and the command that mends it."""

import json
import os
import shlex
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import sllm
from tests.support import Server, free_port
from tests.weights.gguf_builder import build


def findings(environment: dict[str, str], folder: Path) -> dict[str, dict[str, Any]]:
    """By check; of several the worst, that is the last one that is not ok."""
    done = sllm(environment | {"PORT": environment.get("PORT", "0")}, folder, "doctor", "--json")
    assert "Traceback" not in done.stderr
    body = json.loads(done.stdout)
    found: dict[str, dict[str, Any]] = {}
    for each in body["findings"]:
        if each["check"] not in found or each["status"] != "ok":
            found[each["check"]] = each
        assert (each["fix"] is None) == (each["status"] == "ok")
    assert body["ok"] == all(each["status"] != "fail" for each in body["findings"])
    assert done.returncode == (0 if body["ok"] else 1)
    return found


@pytest.fixture
def scripted_settings(environment: dict[str, str]) -> dict[str, str]:
    """A set-up with nothing wrong."""
    return environment | {"SLLM_MODEL_PATH": "scripted"}


def test_a_good_set_up_is_said_to_be_good(
    scripted_settings: dict[str, str], tmp_path: Path
) -> None:
    done = sllm(scripted_settings | {"PORT": "0"}, tmp_path, "doctor")
    assert (done.returncode, "fail" in done.stdout) == (0, False), done.stdout
    assert "xllamacpp can be loaded" in done.stdout
    korean = sllm(scripted_settings | {"PORT": "0", "LANG": "ko_KR"}, tmp_path, "doctor")
    assert "xllamacpp을(를) 불러올 수 있습니다" in korean.stdout
    assert not (tmp_path / "sllm.db").exists()


def test_mistakes_in_settings(scripted_settings: dict[str, str], tmp_path: Path) -> None:
    found = findings(scripted_settings | {"WORKERS": "many"}, tmp_path)
    assert found["settings"]["status"] == "fail"
    assert "WORKERS: not a whole number" in found["settings"]["text"]
    assert "database" not in found
    assert found["python"]["status"] == "ok"


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("POORT=8001\n", "warn", "Write PORT"),
        ("LOG_LEVEL=info\nLOG_LEVEL=debug\n", "warn", "Keep one"),
        ("just words here\n", "fail", "NAME=value"),
    ],
)
def test_lines_of_dotenv_that_do_nothing(
    scripted_settings: dict[str, str], tmp_path: Path, text: str, status: str, words: str
) -> None:
    (tmp_path / ".env").write_text(text)
    found = findings(scripted_settings, tmp_path)["env_file"]
    assert (found["status"], words in found["fix"]) == (status, True)


def test_a_misspelt_setting_of_ours(scripted_settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLLM_MODEL=x\n")
    assert "SLLM_MODEL_PATH" in findings(scripted_settings, tmp_path)["settings"]["text"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(scripted_settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    settings = scripted_settings | {"DATA_DIR": str(tmp_path / "locked" / "data")}
    assert findings(settings, tmp_path)["data_dir"]["status"] == "fail"


def test_a_file_where_the_folder_should_be(
    scripted_settings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    settings = scripted_settings | {"DATA_DIR": str(tmp_path / "file")}
    assert findings(settings, tmp_path)["data_dir"]["status"] == "fail"


def test_a_database_that_is_damaged_or_newer(
    scripted_settings: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "sllm.db"
    path.write_bytes(b"not a database, however long this text may be" * 50)
    found = findings(scripted_settings, tmp_path)["database"]
    assert (found["status"], "backup" in found["fix"]) == ("fail", True)
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()
    found = findings(scripted_settings, tmp_path)["database"]
    assert (found["status"], "newer version" in found["text"]) == ("fail", True)


def test_a_database_of_this_version_is_current(
    scripted: Server, scripted_settings: dict[str, str], tmp_path: Path
) -> None:
    settings = scripted_settings | {"DATA_DIR": str(scripted.log_path.parent)}
    assert "this version's" in findings(settings, tmp_path)["database"]["text"]


def test_a_database_server_that_is_not_there(
    scripted_settings: dict[str, str], tmp_path: Path
) -> None:
    url = "postgresql+asyncpg://me:secret@127.0.0.1:9/sllm"
    found = findings(scripted_settings | {"DATABASE_URL": url}, tmp_path)["database"]
    assert (found["status"], "secret" in found["text"]) == ("fail", False)
    found = findings(scripted_settings | {"DATABASE_URL": "mysql://x"}, tmp_path)["database"]
    assert found["status"] == "fail"


def test_weights_that_are_absent_damaged_or_too_big(
    environment: dict[str, str], tmp_path: Path
) -> None:
    absent = findings(environment, tmp_path)["weights"]
    assert (absent["status"], absent["fix"]) == ("warn", "sllm models pull smollm2-135m-instruct")
    (tmp_path / "cut.gguf").write_bytes(build()[:-10])
    cut = findings(environment | {"SLLM_MODEL_PATH": "cut.gguf"}, tmp_path)["weights"]
    assert (cut["status"], "cut.gguf" in cut["text"]) == ("fail", True)
    unknown = findings(environment | {"SLLM_MODEL_PATH": "nothing"}, tmp_path)["weights"]
    assert unknown["status"] == "fail"
    blind = environment | {"VISION_MODEL_PATH": "nowhere", "SLLM_MODEL_PATH": "scripted"}
    assert findings(blind, tmp_path)["vision"]["status"] == "fail"


def test_broken_downloads_take_room(scripted_settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "a.gguf.bad").write_bytes(b"x")
    found = findings(scripted_settings, tmp_path)["leftovers"]
    assert found["fix"] == "sllm models remove --leftovers"


def test_a_port_that_somebody_else_has(scripted_settings: dict[str, str], tmp_path: Path) -> None:
    port = free_port()  # the next one is nobody's either
    with socket.create_server(("127.0.0.1", port)):
        found = findings(scripted_settings | {"PORT": str(port)}, tmp_path)["port"]
    assert (found["status"], found["fix"]) == ("fail", f"PORT={port + 1} sllm serve")


def test_a_port_that_our_own_server_has(
    scripted: Server, scripted_settings: dict[str, str], tmp_path: Path
) -> None:
    found = findings(scripted_settings | {"PORT": str(scripted.port)}, tmp_path)["port"]
    assert (found["status"], "runs on port" in found["text"]) == ("ok", True)


def test_the_way_out_of_a_damaged_file_of_keys_works(
    scripted_settings: dict[str, str], tmp_path: Path
) -> None:
    keys = tmp_path / "my keys.json"
    keys.write_text("{}")
    settings = scripted_settings | {"API_KEYS_FILE": str(keys)}
    fix = findings(settings, tmp_path)["api_keys"]["fix"]
    aside, make = fix.split(" && ")
    subprocess.run(shlex.split(aside), check=True)
    assert sllm(settings, tmp_path, *shlex.split(make)[1:]).returncode == 0
    assert findings(settings, tmp_path)["api_keys"]["status"] == "ok"
    assert (tmp_path / "my keys.json.old").read_text() == "{}"


def test_keys_that_others_may_read(scripted_settings: dict[str, str], tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    settings = scripted_settings | {"API_KEYS_FILE": str(keys)}
    assert "sllm keys create" in findings(settings, tmp_path)["api_keys"]["fix"]
    sllm(settings, tmp_path, "keys", "create")
    assert findings(settings, tmp_path)["api_keys"]["status"] == "ok"
    keys.chmod(keys.stat().st_mode | stat.S_IRGRP)
    assert findings(settings, tmp_path)["api_keys"]["fix"] == f"chmod 600 {keys}"


def test_a_server_open_to_everybody(scripted_settings: dict[str, str], tmp_path: Path) -> None:
    found = findings(scripted_settings | {"HOST": "0.0.0.0", "ALLOWED_HOSTS": "*"}, tmp_path)
    assert (found["exposure"]["status"], found["allowed_hosts"]["status"]) == ("warn", "warn")


def test_a_gpu_that_is_wanted_and_not_there(
    scripted_settings: dict[str, str], tmp_path: Path
) -> None:
    found = findings(scripted_settings | {"USE_GPU": "required"}, tmp_path)
    if found["gpu"]["status"] == "ok":
        pytest.skip("this machine has a GPU")
    assert found["gpu"]["status"] == "fail"
    assert findings(scripted_settings | {"USE_GPU": "true"}, tmp_path)["gpu"]["status"] == "warn"


def test_a_library_that_cannot_be_loaded(scripted_settings: dict[str, str], tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "xllamacpp.py").write_text("raise ImportError('libgomp.so.1: cannot open')\n")
    path = os.pathsep.join([str(broken), scripted_settings["PYTHONPATH"]])
    found = findings(scripted_settings | {"PYTHONPATH": path}, tmp_path)["xllamacpp"]
    assert (found["status"], "libgomp.so.1" in found["text"]) == ("fail", True)


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_few_files(scripted_settings: dict[str, str], tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        found = findings(scripted_settings, tmp_path)["limits"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (found["status"], found["fix"]) == ("warn", "ulimit -n 4096")
