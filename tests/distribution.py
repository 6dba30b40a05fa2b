"""Which tests share a process where `-n` runs several: those of a file, and those of files that
share what is slow to make. The longest groups come first, so that all processes end together.
"""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from app.provider.plan import quota_cores

# More would only wait for each other.
MOST_PROCESSES = 4
# Their files share a browser, servers, loaded weights, or what one has made of the whole checkout.
FOLDERS = (
    "tests/conformance/",
    "tests/docs/",
    "tests/engine/onnx/",
    "tests/openai/clients/",
    "tests/ui/",
)
# Fixtures that files of many folders share.
FIXTURES = ("smollm2_server",)
# Seconds on two busy cores, where they are many; of other groups, tests are counted.
SECONDS = {
    "tests/conformance/": 400,
    "tests/openai/clients/": 200,
    "tests/engine/onnx/": 150,
    "tests/docs/": 150,
    "smollm2_server": 120,
    "tests/ui/": 120,
    "tests/api/test_processes.py": 60,
    "tests/benchmarks/test_run.py": 60,
    "tests/cli/test_tune.py": 60,
    "tests/convert/test_four_bits.py": 60,
    "tests/database/test_crowds.py": 40,
    "tests/tuning/test_tuner.py": 40,
    "tests/v4/test_durability.py": 40,
}
SECONDS_OF_A_TEST = 0.1


class Scheduling(LoadScopeScheduling):
    """Hands out whole groups."""

    def _split_scope(self, nodeid: str) -> str:
        return group(self.config.rootpath, nodeid.partition("::")[0])

    def _assign_work_unit(self, node: object) -> None:
        waiting = {name: list(tests) for name, tests in self.workqueue.items()}
        beside = [
            test
            for other, groups in self.assigned_work.items()
            if other is not node
            for tests in groups.values()
            for test, is_over in tests.items()
            if not is_over
        ]
        best = choose(self.config.rootpath, waiting, beside)
        self.workqueue.move_to_end(best, last=False)
        super()._assign_work_unit(node)


def choose(root: Path, waiting: dict[str, list[str]], beside: list[str]) -> str:
    """The longest group, of those with real weights as long as no other process has such a group:
    threads of two engines that wait for each other by spinning keep each other waiting."""
    alone = not loads_weights(root, beside)

    def rank(name: str) -> tuple[bool, float]:
        return loads_weights(root, waiting[name]) is alone, seconds(name, len(waiting[name]))

    return max(waiting, key=rank)


def loads_weights(root: Path, tests: Iterable[str]) -> bool:
    files = {test.partition("::")[0] for test in tests}
    return any("mark.weights" in read(root / file) for file in files)


@cache
def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@cache
def group(root: Path, file: str) -> str:
    """The tests of a group run in one process, in their order."""
    shared = (name for name in FIXTURES if name in read(root / file))
    folders = (folder for folder in FOLDERS if file.startswith(folder))
    return next(folders, next(shared, file))


def seconds(name: str, tests: int) -> float:
    return SECONDS.get(name, tests * SECONDS_OF_A_TEST)


def is_one_group(root: Path, arguments: list[str]) -> bool:
    """Whether these name tests of one process."""
    found = set()
    for argument in arguments:
        path = Path(argument.partition("::")[0]).resolve()
        if not path.is_relative_to(root):
            return False
        name = str(path.relative_to(root))
        folders = (folder for folder in FOLDERS if f"{name}/".startswith(folder))
        folder = next(folders, None)
        if folder is None and not path.is_file():
            return False
        found.add(folder or group(root, name))
    return len(found) == 1


def processes() -> int:
    """0 for none beside pytest's own, where they would only take turns."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    cores = min(allowed, quota_cores(), MOST_PROCESSES)
    return cores if cores > 1 else 0


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n auto`."""
    return 0 if is_one_group(config.rootpath, config.args) else processes()


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling | None:
    """Unless `--dist` asks for another."""
    return Scheduling(config, log) if config.getoption("dist") == "load" else None
