"""The programs in docs/openai.md, run as they stand against the embedded weights."""

from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, Block, blocks
from tests.openai.clients import environment
from tests.support import Server

PROGRAMS = blocks(ROOT / "docs" / "openai.md", "python")
pytestmark = [pytest.mark.network, pytest.mark.weights]


@pytest.mark.timeout(environment.PATIENCE)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_the_program_runs(
    program: Block, python_clients: Path, smollm2_server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "program.py"
    file.write_text(program.on_port(smollm2_server.port), encoding="utf-8")
    said = environment.run([str(python_clients / "python"), str(file)])
    assert said.strip()
    if "parse" in program.text:
        assert "name=" in said
        assert "age=" in said
