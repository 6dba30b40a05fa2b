"""How the command line explains itself."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from app import __version__
from app.cli import cli
from app.commands.words import language, say
from app.i18n import LANGUAGES, messages
from tests.cli.support import sllm
from tests.support import ROOT

MESSAGES = ROOT / "app" / "commands" / "messages.json"
SHELLS = ("bash", "zsh", "fish")


def commands(group: Any, *above: str) -> list[tuple[str, ...]]:
    """Every command and group, as the words that call it."""
    found = []
    for name, command in group.commands.items():
        found.append((*above, name))
        if hasattr(command, "commands"):
            found += commands(command, *above, name)
    return found


COMMANDS = commands(typer.main.get_command(cli))


def test_version(environment: dict[str, str], tmp_path: Path) -> None:
    assert sllm(environment, tmp_path, "--version").stdout == f"sllm {__version__}\n"


def test_help_names_every_command(environment: dict[str, str], tmp_path: Path) -> None:
    shown = sllm(environment, tmp_path, "--help").stdout
    tops = {words[0] for words in COMMANDS}
    assert {"bench", "chat", "convert", "docs", "doctor", "keys", "models", "serve"} <= tops
    assert [name for name in tops if f" {name} " not in shown] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_explained(words: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(cli)
    for word in words:
        command = command.commands[word]
    assert command.help
    options = [each for each in command.params if not getattr(each, "hidden", False)]
    assert [each.name for each in options if not getattr(each, "help", "")] == []


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_offered(environment: dict[str, str], tmp_path: Path, shell: str) -> None:
    words = {"_SLLM_COMPLETE": f"source_{shell}"}
    shown = sllm(environment | words, tmp_path).stdout
    assert "_SLLM_COMPLETE" in shown
    asked = {"_SLLM_COMPLETE": "complete_bash", "COMP_WORDS": "sllm mo", "COMP_CWORD": "1"}
    assert sllm(environment | asked, tmp_path).stdout.split() == ["models"]


def test_completion_installs_itself(environment: dict[str, str], tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = sllm(environment | home, tmp_path, "--install-completion", "bash")
    assert done.returncode == 0, done.stderr
    assert "sllm" in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "ko"}, "ko"),
    ],
)
def test_the_terminal_says_the_language(variables: dict[str, str], expected: str) -> None:
    assert language(variables) == expected


def test_every_sentence_is_said_in_both_languages() -> None:
    both: dict[str, dict[str, str]] = json.loads(MESSAGES.read_text(encoding="utf-8"))
    assert list(both) == sorted(both)
    assert all(texts.keys() == set(LANGUAGES) for texts in both.values())
    assert set(both) <= set(messages()["ko"])


def test_every_sentence_that_is_said_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "LC_ALL", "ko_KR.UTF-8")
    assert say("cli_stopped") == "중단했습니다."
    known = json.loads(MESSAGES.read_text(encoding="utf-8"))
    code = "".join(path.read_text() for path in (ROOT / "app").rglob("*.py"))
    prefixes = ("chat_help_", "chat_stats_", "models_column_", "models_info_", "bench_")
    composed = (*prefixes, "doctor_database_", "doctor_extra_", "tune_column_")
    named = set(re.findall(r"""["'](\w+)["']""", code))
    unused = [key for key in known if key not in named and not key.startswith(composed)]
    assert unused == []
