"""The laws of docs/architecture.md that a linter does not know."""

import ast
import re
import statistics
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.config import Settings

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FILE = 300
LONGEST_FUNCTION = 50
MEDIAN_FUNCTION = 10
# Written in pieces: this file must not contain what it looks for.
INDEX_HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "crates" + ".io",
]
MACHINE_PATHS = ["/ro" + "ot/", "/wo" + "rk/", "/ho" + "me/", "/opt/" + "py" + "pi"]


@cache
def tracked(pattern: str = "*") -> tuple[Path, ...]:
    """Files of this repository, also those not committed yet; without git, those on disk."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        names = sorted(set(listed.stdout.decode().split("\0")) - {""})
        return tuple(path for path in map(ROOT.joinpath, names) if path.is_file())
    skipped = (".venv", ".git", "__pycache__", "node_modules")
    found = (path for path in ROOT.rglob(pattern) if path.is_file())
    return tuple(path for path in found if not set(skipped) & set(path.parts))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function, its decorators and docstring included."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_look_at() -> None:
    assert len(tracked("*.py")) > 50


def test_files_are_short() -> None:
    lengths = {name_of(path): len(path.read_bytes().splitlines()) for path in tracked("*.py")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    long = [
        (name_of(path), name, lines)
        for path in tracked("*.py")
        for name, lines in functions(path)
        if lines > LONGEST_FUNCTION
    ]
    assert long == []


def test_half_of_the_functions_fit_in_ten_lines() -> None:
    lengths = [lines for path in tracked("app/*.py") for _, lines in functions(path)]
    assert statistics.median(lengths) <= MEDIAN_FUNCTION


@pytest.mark.parametrize("path", tracked("*.py"), ids=name_of)
def test_a_module_says_in_one_to_three_lines_what_lives_in_it(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_bytes()))
    assert docstring, "no docstring"
    first_paragraph = docstring.split("\n\n")[0].splitlines()
    assert len(first_paragraph) <= 3
    assert len(docstring.splitlines()) <= 12


def test_the_domain_knows_nothing_but_itself() -> None:
    foreign = [
        (name_of(path), module)
        for path in tracked("app/domain/*.py")
        for module in imported(path)
        if module.split(".")[0] == "app" and not f"{module}.".startswith("app.domain.")
    ]
    assert foreign == []


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            yield name_of(path), content.decode("utf-8")


def test_no_package_index_is_named() -> None:
    hosts = re.compile("|".join(map(re.escape, INDEX_HOSTS)), re.IGNORECASE)
    assert [name for name, text in texts() if hosts.search(text)] == []


def test_no_path_of_a_developer_s_machine_is_named() -> None:
    paths = re.compile(r"(?<![\w.~-])(?:" + "|".join(map(re.escape, MACHINE_PATHS)) + ")")
    assert [name for name, text in texts() if paths.search(text)] == []


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_every_setting_is_described(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    names = [name.upper() for name in Settings.model_fields]
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []
