"""Every fenced block of every document is of a kind that a test runs or checks. What is checked
without being run, and why, stands here; a new kind needs a test first.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks

# Which kinds of blocks a document may have. The tests that know them are named beside them.
README = {
    "bash": "test_readme_runs.py",
    "python": "test_readme_runs.py",
    "text banner": "test_readme_runs.py",
    "json": "test_readme_runs.py",
    "text sse": "test_readme_runs.py",
    # They install or download much; that each of their words exists is checked.
    "bash setup": "test_setup_commands.py",
}
SETUP = {"bash setup": "test_setup_commands.py"}
KINDS: dict[str, dict[str, str]] = {
    "README.md": README,
    "README.ko.md": README,
    "CONTRIBUTING.md": SETUP | {"bash mirror": "test_every_block.py"},
    "docs/adding-a-model.md": {
        f"bash model {step}": "test_adding_a_model.py"
        for step in ("serve", "ask", "template", "facts", "see", "look")
    }
    | {
        "jinja chat_template.jinja": "test_adding_a_model.py",
        "json catalog": "test_adding_a_model.py",
    },
    # A drawing for people: there is nothing to run.
    "docs/architecture.md": {"text picture": "test_every_block.py"},
    "docs/benchmarks.md": SETUP,
    "docs/command-line.md": SETUP | {"bash": "test_command_line.py"},
    "docs/conformance.md": SETUP,
    "docs/hyperclovax-vision.md": SETUP,
    "docs/openai.md": {"python": "../openai/clients/test_docs.py"},
    "docs/operations.md": {
        "text log": "test_every_block.py",
        "nginx": "../ops/test_programs.py",
        "caddy": "../ops/test_programs.py",
    },
    "docs/troubleshooting.md": {"bash health": "test_readme_runs.py"},
    "training/README.md": SETUP,
}
# Followed block by block; it refuses a kind that it does not know.
FOLLOWED = {"docs/adding-a-version.md": "test_adding_a_version.py"}
# Made by a program; its examples are run by test_examples.py.
MADE = "api_docs/"
SKIPPED = (".venv", "node_modules", "build", "dist")


def documents() -> list[str]:
    """Every Markdown file of the checkout, those that are made left out."""
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    kept = (path for path in found if not any(part.startswith(SKIPPED) for part in path.parts))
    hidden = (path for path in kept if not any(part[0] == "." for part in path.parts))
    return sorted(name for name in map(str, hidden) if not name.startswith(MADE))


@pytest.mark.parametrize("name", documents())
def test_every_block_has_a_test(name: str) -> None:
    kinds = {block.info for block in blocks(ROOT / name)}
    if name not in FOLLOWED:
        assert kinds <= KINDS.get(name, {}).keys(), "how is it run, or why not?"


@pytest.mark.parametrize("name", documents())
def test_a_fence_that_is_opened_is_closed(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(blocks(ROOT / name))


def test_no_kind_is_listed_that_is_not_there() -> None:
    for name, kinds in KINDS.items():
        assert kinds.keys() <= {block.info for block in blocks(ROOT / name)}, name


def test_the_tests_that_are_named_exist() -> None:
    here = Path(__file__).parent
    named = {test for kinds in KINDS.values() for test in kinds.values()} | {*FOLLOWED.values()}
    assert [test for test in named if not (here / test).is_file()] == []


def test_a_line_of_the_log_is_as_the_server_writes_it() -> None:
    [block] = blocks(ROOT / "docs" / "operations.md", "text log")
    form = (
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO sllm\.access \[req_[0-9a-f]{32}\] "
        r"GET /health/live 200 \d+\.\dms\n"
    )
    assert re.fullmatch(form, block.text)


def test_the_mirror_is_what_pip_knows() -> None:
    [block] = blocks(ROOT / "CONTRIBUTING.md", "bash mirror")
    script = block.text + '\nprintf %s "$POETRY_PYPI_MIRROR_URL"'
    environment = {**os.environ, "PIP_INDEX_URL": "https://mirror.example/simple"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "https://mirror.example/simple"
