"""The tests' own PostgreSQL server: whoever started it may be killed."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.database import postgresql
from tests.support import PATIENCE, ROOT

PROGRAM = """
import sys
from tests.database import postgresql

with postgresql.running(postgresql.binaries()) as server:
    print(server.folder, server.pid(), flush=True)
    sys.stdin.read()
"""


def test_a_killed_run_leaves_nothing() -> None:
    if postgresql.binaries() is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        folder, pid = run.stdout.readline().split()
        server = psutil.Process(int(pid))
        run.kill()
    end = time.monotonic() + PATIENCE
    while Path(folder).exists() or is_running(server):
        assert time.monotonic() < end, folder
        time.sleep(0.02)


def is_running(server: psutil.Process) -> bool:
    """Not one that has ended and that nobody has asked about."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return server.status() != psutil.STATUS_ZOMBIE
    return False
