"""Commands that install, fetch or compute a lot are not run by tests; that they could be, is tested
here: programs, options, settings, names and versions exist as the documents write them.
"""

import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import chdir
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import typer
from typer.testing import CliRunner
from uvicorn.main import main as uvicorn_command

from app.cli import cli
from app.config import Settings, load_settings
from app.config_example import example
from app.convert import requirements
from app.weights import catalog
from benchmarks.compare.__main__ import parser as comparison
from tests.docs.markdown import ENGLISH, KOREAN, ROOT, blocks, rows

ASSIGNMENT = re.compile(r"([A-Z_]+)=(.*)")


OTHERS = ("CONTRIBUTING.md", "training/README.md", *map(str, (ROOT / "docs").glob("*.md")))
# Of tests, not of the server.
TABLE = "CONFORMANCE_TABLE"


def commands() -> Iterator[str]:
    for path in (ENGLISH, KOREAN, *map(ROOT.joinpath, OTHERS)):
        for block in blocks(path, "bash setup"):
            for line in block.text.replace("\\\n", " ").splitlines():
                yield from line.split(" && ")


COMMANDS = sorted(set(commands()))


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {field.upper() for field in Settings.model_fields} & set(os.environ):
        monkeypatch.delenv(name)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_setup_command_would_work(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(command, comments=True)
    while assigned := ASSIGNMENT.fullmatch(words[0]):
        assert assigned[1].lower() in Settings.model_fields or assigned[1] == TABLE
        monkeypatch.setenv(assigned[1], assigned[2])
        words.pop(0)
    load_settings()
    check(words)


def check(words: list[str]) -> None:
    match words:
        case ["./run.sh", *arguments]:
            assert os.access(ROOT / "run.sh", os.X_OK)
            check_serve(arguments)
        case ["scripts/lock.sh" | "./test.sh" as script]:
            assert os.access(ROOT / script, os.X_OK)
        case ["uv", "pip", "compile", *_, source, "-o", target]:
            clients = ROOT / "tests" / "openai" / "clients"
            assert {source, target} <= {path.name for path in clients.iterdir()}
        case [".venv/bin/python", "-m", "pytest", tests]:
            assert list((ROOT / tests).glob("test_*.py"))
        case ["python", "-m", module, *arguments]:
            check_program(module, arguments)
        case ["sllm", "serve", *arguments]:
            check_serve(arguments)
        case ["sllm", "convert", *arguments]:
            typer_command("convert").make_context("convert", list(arguments))
        case ["cp", ".env.example", ".env"]:
            assert (ROOT / ".env.example").read_text() == example(Settings)
        case ["poetry", "install"]:
            assert (ROOT / "poetry.lock").is_file()
        case ["poetry", "install", "-E", extra]:
            assert extra in project()["optional-dependencies"]
        case ["poetry", "run", "pip", "install", *packages]:
            assert packages == requirements.TORCH.split()
        case ["poetry", "run", "sllm", "convert", source, *options]:
            assert catalog.find(source) is not None
            typer_command("convert").make_context("convert", [source, *options])
        case [".venv/bin/sllm", "models", "pull", name]:
            assert catalog.find(name) is not None
        case [".venv/bin/sllm", ("chat" | "bench" | "doctor") as name, *arguments]:
            typer_command(name).make_context(name, list(arguments))
        case [".venv/bin/sllm", "models", *arguments]:
            assert CliRunner().invoke(cli, ["models", *arguments]).exit_code == 0
        case ["poetry", "run", "uvicorn", "app.main:app", *arguments]:
            uvicorn_command.make_context("uvicorn", ["app.main:app", *arguments])
        case [".venv/bin/python", "-m", "pip", "install", *_, requirement]:
            # The GPU build takes the place of the ordinary one at the same version.
            assert requirement.replace("-gpu[cuda,cudnn]", "") in dependencies()
        case [".venv/bin/python", "-m", "pip", "uninstall", "-y", package]:
            assert any(each.startswith(f"{package}==") for each in dependencies())
        case [".venv/bin/sllm", "keys", *arguments]:
            with TemporaryDirectory() as folder, chdir(folder):
                assert CliRunner().invoke(cli, ["keys", *arguments]).exit_code == 0
        case _:
            raise AssertionError(f"no test knows {words}")


def check_program(module: str, arguments: list[str]) -> None:
    """One of this repository's, which is not part of the server."""
    if module == "benchmarks.compare":
        comparison().parse_args(arguments)
    else:
        assert module.startswith("training.")
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()


def check_serve(arguments: list[str]) -> None:
    """Options are understood; a model is in the catalogue, or plainly a file of the reader's."""
    options = typer_command("serve").make_context("serve", list(arguments)).params
    model = options["model"]
    assert model is None or model.endswith(".gguf") or catalog.find(model)


def typer_command(name: str) -> Any:
    group: Any = typer.main.get_command(cli)
    return group.commands[name]


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def dependencies() -> list[str]:
    return list(project()["dependencies"])


def test_run_sh_is_what_the_tests_start() -> None:
    last = (ROOT / "run.sh").read_text().splitlines()[-1]
    assert last == 'exec "$python" -P -m app.cli serve "$@"'


def test_the_catalogue_is_described_in_full() -> None:
    for path in (ENGLISH, KOREAN):
        told = {row[0].strip("`"): row for row in rows(path, re.compile(r"`[a-z0-9.-]+`"))}
        assert told.keys() == {entry.name for entry in catalog.entries()}
        for entry in catalog.entries():
            _, size, _, licence, _ = told[entry.name]
            assert size.replace(" ", "") == f"{entry.size_bytes / 1e6:.0f}MB"
            assert licence == entry.license
