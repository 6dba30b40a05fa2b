"""The `llm` command: a model that is named in its own file, asked from the shell."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MODELS = """- model_id: small
  model_name: {model}
  api_base: "{url}/v1"
  can_stream: true
  supports_schema: true
"""


def llm(server: Any, *arguments: str) -> str:
    """What the command writes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "extra-openai-models.yaml"
        file.write_text(MODELS.format(model=server.model, url=server.url))
        program = Path(sys.executable).with_name("llm")
        done = subprocess.run(
            [str(program), *arguments],
            env={**os.environ, "LLM_USER_PATH": folder},
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def check_prompt(server: Any) -> None:
    assert llm(server, "-m", "small", "hi there") == "You said: hi there"


def check_prompt_without_stream(server: Any) -> None:
    options = ["--no-stream", "-s", "Be kind.", "-o", "temperature", "0"]
    assert llm(server, "-m", "small", *options, "hi") == "You said: hi"


def check_schema(server: Any) -> None:
    told = llm(server, "-m", "small", "--schema", "name, age int", '#answer={"name":"Kim","age":3}')
    assert told == '{"name":"Kim","age":3}'
