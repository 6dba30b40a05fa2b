"""Every command and every program of both READMEs is run against the embedded weights, and what
comes back has the shape of what the README shows.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.conftest import ReadmeServer
from tests.docs.markdown import (
    ENGLISH,
    KOREAN,
    README_PORT,
    ROOT,
    Block,
    blocks,
    events,
    fits,
    shape,
    shown_after,
)

pytestmark = pytest.mark.weights
READMES = (ENGLISH, KOREAN)
HEALTH = blocks(ROOT / "docs" / "troubleshooting.md", "bash health")
COMMANDS = [block for path in READMES for block in blocks(path, "bash")]
PROGRAMS = [block for path in READMES for block in blocks(path, "python")]
BANNERS = [block for path in READMES for block in blocks(path, "text banner")]
LANGUAGES = {"README.md": "en", "README.ko.md": "ko"}


def name_of(block: Block) -> str:
    return block.name


def run(command: list[str], folder: Path | None = None) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def output_of(block: Block, server: ReadmeServer) -> str:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    assert README_PORT in block.text
    return run(["bash", "-euo", "pipefail", "-c", block.on_port(server.port)], server.folder)


def server_of(block: Block, request: pytest.FixtureRequest) -> ReadmeServer:
    """The one with a model that sees only where that is asked."""
    sees = "/vision/" in block.text
    server: ReadmeServer = request.getfixturevalue("seeing_server" if sees else "readme_server")
    return server


@pytest.mark.parametrize("block", COMMANDS, ids=name_of)
def test_a_command_answers_in_the_shape_that_is_shown(
    block: Block, request: pytest.FixtureRequest
) -> None:
    output = output_of(block, server_of(block, request))
    shown = shown_after(block)
    if shown is None:
        assert json.loads(output)["response"]
    elif shown.info == "json":
        expected, got = json.loads(shown.text), json.loads(output)
        assert fits(shape(expected), shape(got)), got
        assert got.get("status") == expected.get("status")
        if "/vision/" in block.text:  # greedy, and of weights that come with the server
            assert got["response"] == expected["response"]
        assert got.get("error", {}).get("code") == expected.get("error", {}).get("code")
    else:
        check_stream(events(shown.text), events(output))


@pytest.mark.parametrize("block", HEALTH, ids=name_of)
def test_health_is_where_trouble_is_looked_for(block: Block, readme_server: ReadmeServer) -> None:
    assert json.loads(output_of(block, readme_server))["status"] == "ok"


def check_stream(shown: list[tuple[str, Any]], got: list[tuple[str, Any]]) -> None:
    assert [name for name, _ in got if name != "token"] == ["start", "done"]
    examples = dict(shown)
    for name, data in got:
        assert fits(shape(examples[name]), shape(data)), data
    text = "".join(data["text"] for name, data in got if name == "token")
    assert text == got[-1][1]["response"]
    assert "\ufffd" not in text


@pytest.mark.parametrize("block", PROGRAMS, ids=name_of)
def test_a_program_prints_an_answer_and_its_end(block: Block, readme_server: ReadmeServer) -> None:
    assert README_PORT in block.text
    output = run([sys.executable, "-c", block.on_port(readme_server.port)])
    answer, _, end = output.rpartition("\n[")
    assert answer.strip()
    assert re.fullmatch(r"(stop|length), \D*\d+\D*\]\n", end)


@pytest.mark.parametrize("block", BANNERS, ids=name_of)
def test_the_start_says_what_is_shown(block: Block, readme_server: ReadmeServer) -> None:
    model = re.compile(r"(?<=model: ).*")
    log = model.sub("MODEL", readme_server.log)
    for line in model.sub("MODEL", block.on_port(readme_server.port)).splitlines():
        assert line in log


@pytest.mark.parametrize(
    "block", [block for block in COMMANDS if "json_schema" in block.text], ids=name_of
)
def test_the_example_of_a_schema_is_kept(block: Block, readme_server: ReadmeServer) -> None:
    answer = json.loads(output_of(block, readme_server))
    if answer["finish_reason"] == "stop":
        assert json.loads(answer["response"]).keys() == {"city", "country"}
    else:
        assert answer["response"].lstrip().startswith("{")


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_the_warning_that_is_quoted_is_the_one_that_comes(
    path: Path, readme_server: ReadmeServer
) -> None:
    headers = {"Accept-Language": LANGUAGES[path.name]}
    body = {"message": "대한민국의 수도는 어디야?", "max_tokens": 1}
    url = f"{readme_server.url}/api/v1/chat"
    answer = httpx.post(url, json=body, headers=headers, timeout=60).json()
    text = " ".join(path.read_text(encoding="utf-8").split())
    assert f'"warnings": {json.dumps(answer["warnings"], ensure_ascii=False)}' in text
