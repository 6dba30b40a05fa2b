"""Which tests share a process, and how many processes there are."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import distribution
from tests.conftest import CONVERTED
from tests.distribution import FIXTURES, FOLDERS, SECONDS, choose, group, is_one_group

ROOT = Path(__file__).resolve().parents[1]
TESTS = """import os, pytest

@pytest.mark.parametrize("number", range(3))
def test_where(number):
    print(f"<{__name__} {os.environ['PYTEST_XDIST_WORKER']}>")
"""


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("tests/test_texts.py", "tests/test_texts.py"),
        ("tests/ui/test_chat.py", "tests/ui/"),
        ("tests/docs/test_export.py", "tests/docs/"),
        ("tests/conformance/test_greedy.py", "tests/conformance/"),
        ("tests/api/test_real_weights.py", "smollm2_server"),
        ("tests/ui/test_real_weights.py", "tests/ui/"),
    ],
)
def test_groups(file: str, expected: str) -> None:
    assert group(ROOT, file) == expected


@pytest.mark.parametrize("name", [*FOLDERS, *SECONDS])
def test_groups_that_are_named_are_there(name: str) -> None:
    assert (ROOT / name).exists() or name in FIXTURES


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["tests/test_texts.py", "tests/test_texts.py::test_one"], True),
        (["tests/ui", "tests/ui/test_chat.py"], True),
        (["tests/v3/test_template_weights.py", "tests/v4/test_real_weights.py"], True),
        (["tests/test_texts.py", "tests/test_config.py"], False),
        (["tests/v4"], False),
        (["tests"], False),
        (["/nowhere/test_a.py"], False),
    ],
)
def test_one_group_needs_one_process(arguments: list[str], expected: bool) -> None:
    assert is_one_group(ROOT, arguments) is expected


def test_the_longest_come_first_and_one_with_weights_at_a_time() -> None:
    weights, other = "tests/conformance/test_greedy.py::test_a", "tests/test_texts.py::test_a"
    waiting = {
        "tests/conformance/": [weights],
        "tests/tuning/test_tuner.py": ["tests/tuning/test_tuner.py::test_a"],
        "tests/test_texts.py": [other],
        "tests/test_config.py": ["tests/test_config.py::test_a"] * 2,
    }
    assert choose(ROOT, waiting, [other]) == "tests/conformance/"
    assert choose(ROOT, waiting, [weights, other]) == "tests/test_config.py"
    del waiting["tests/test_texts.py"], waiting["tests/test_config.py"]
    assert choose(ROOT, waiting, [weights]) == "tests/conformance/"


def test_whatever_loads_real_weights_says_so(request: pytest.FixtureRequest) -> None:
    """So that `-m 'not weights'` does without all of them."""
    silent = {
        str(item.path.relative_to(ROOT))
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and {"embedded", *CONVERTED} & {*item.fixturenames}
        and "mark.weights" not in item.path.read_text(encoding="utf-8")
    }
    assert silent == set()


def test_a_file_stays_in_one_process(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / f"test_{name}.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-n", "2", "-p", "tests.distribution", "-rP"]
    options = ["--rootdir", str(tmp_path), "-c", "/dev/null", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *options, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    places = re.findall(r"<(\w+) (gw\d)>", done.stdout)
    assert len(places) == 12
    assert {worker for _, worker in places} == {"gw0", "gw1"}
    assert len(set(places)) == 4


@pytest.mark.parametrize(("quota", "expected"), [(1, 0), (2, 2), (1 << 16, 3)])
def test_as_many_processes_as_cores(
    quota: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setattr(distribution, "quota_cores", lambda: quota)
    assert distribution.processes() == expected
