"""Every check of every client: each file is run once, each check in it is a test."""

import ast
import json
from functools import cache
from pathlib import Path

import pytest

from tests.openai.clients import environment
from tests.support import Server

HERE = Path(__file__).parent
# Some clients take half a minute to be imported on a busy machine.
pytestmark = [pytest.mark.network, pytest.mark.timeout(environment.PATIENCE)]


def checks(pattern: str) -> list[tuple[str, str]]:
    """File and name of every check."""
    return [
        (file.name, node.name)
        for file in sorted(HERE.glob(pattern))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")
    ]


def about(server: Server) -> dict[str, str]:
    """What a check needs to know."""
    models = server.health()["models"]
    return {"url": server.url, "model": models["text"]["id"], "vision": models["vision"]["id"]}


@cache
def outcomes(file: str, programs: Path, server: Server) -> dict[str, str | None]:
    """What each check of a file came to."""
    checks = [str(HERE / "run_checks.py"), str(HERE / file), json.dumps(about(server))]
    command = [str(programs / "python"), *checks]
    told = environment.run(command, programs=programs, variables=QUIET)
    found: dict[str, str | None] = json.loads(told)
    return found


# Nothing but the server is asked, and nothing is told to anybody.
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "LANGSMITH_TRACING": "false",
    "OPENAI_API_KEY": "none",
    "NO_PROXY": "127.0.0.1",
}


@pytest.mark.parametrize(("file", "check"), checks("with_*.py"))
def test_a_client_of_python(
    file: str, check: str, python_clients: Path, clients_server: Server
) -> None:
    outcome = outcomes(file, python_clients, clients_server)[check]
    assert outcome is None, outcome
    clients_server.wait_idle()
    assert "Traceback" not in clients_server.log


@pytest.mark.weights
@pytest.mark.parametrize(("file", "check"), checks("weights_*.py"))
def test_a_client_on_real_weights(
    file: str, check: str, python_clients: Path, weights_server: Server
) -> None:
    outcome = outcomes(file, python_clients, weights_server)[check]
    assert outcome is None, outcome
