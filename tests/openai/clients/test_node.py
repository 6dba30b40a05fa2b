"""Every check of the clients of Node: each file is run once, each check in it is a test."""

import json
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.openai.clients import environment
from tests.openai.clients.test_clients import about
from tests.support import Server

CHECK = re.compile(r"^export async function (check_\w+)", re.MULTILINE)
pytestmark = [pytest.mark.network, pytest.mark.timeout(environment.PATIENCE)]


def checks() -> list[tuple[str, str]]:
    """File and name of every check."""
    return [
        (file.name, name)
        for file in sorted(environment.NODE.glob("with_*.mjs"))
        for name in CHECK.findall(file.read_text())
    ]


@cache
def outcomes(file: str, clients: Path, programs: Path, server: Server) -> dict[str, str | None]:
    """What each check of a file came to. Node looks for packages from where a file is."""
    with tempfile.TemporaryDirectory(dir=clients) as folder:
        for script in environment.NODE.glob("*.mjs"):
            shutil.copy(script, folder)
        command = ["node", "run_checks.mjs", f"./{file}", json.dumps(about(server))]
        told = environment.run(command, Path(folder), programs)
    found: dict[str, str | None] = json.loads(told)
    return found


@pytest.mark.parametrize(("file", "check"), checks())
def test_a_client_of_node(
    file: str, check: str, node_clients: Path, python_clients: Path, clients_server: Server
) -> None:
    outcome = outcomes(file, node_clients, python_clients, clients_server)[check]
    assert outcome is None, outcome
    clients_server.wait_idle()
    assert "Traceback" not in clients_server.log
