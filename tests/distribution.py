"""Which tests share a process where `-n` runs several: those of a file, those of a folder with one
browser, and all that have real weights. Whatever is not shared may run side by side.
"""

import os
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from app.provider.plan import quota_cores

# More would only wait for each other: real weights are one process's.
MOST_PROCESSES = 4
# Their files share a browser, or what one of them has made of the whole checkout.
FOLDERS = ("tests/docs/", "tests/ui/")
# Loaded by one process alone, so that memory holds them once, and threads that wait for each
# other by spinning do not wait for those of another engine.
WEIGHTS = "weights"


class Scheduling(LoadScopeScheduling):
    """Hands out whole groups, the one with the most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return group(self.config.rootpath, nodeid.partition("::")[0])


@cache
def group(root: Path, file: str) -> str:
    """The tests of a group run in one process, in their order."""
    if "mark.weights" in (root / file).read_text(encoding="utf-8"):
        return WEIGHTS
    return next((folder for folder in FOLDERS if file.startswith(folder)), file)


def processes() -> int:
    """For `-n auto`; 0 for none beside pytest's own, where they would only take turns."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    cores = min(allowed, quota_cores(), MOST_PROCESSES)
    return cores if cores > 1 else 0


def pytest_xdist_auto_num_workers() -> int:
    return processes()


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling | None:
    """Unless `--dist` asks for another."""
    return Scheduling(config, log) if config.getoption("dist") == "load" else None
