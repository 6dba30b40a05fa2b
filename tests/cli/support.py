"""The command line as a process, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

from app.config import Settings
from tests.support import PATIENCE, ROOT

COMMAND = [sys.executable, "-P", "-m", "app.cli"]
CLIENT = ("SLLM_URL", "SLLM_API_KEY", "HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE")


def clean_environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """No settings but these, English, and room for every message."""
    names = {name.upper() for name in Settings.model_fields} | {*CLIENT, "LC_ALL", "LC_MESSAGES"}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    ours = {"DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    return kept | ours | {"COLUMNS": "200"} | settings


def sllm(
    environment: dict[str, str], folder: Path, *arguments: str, piped: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment,
        input=piped,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
