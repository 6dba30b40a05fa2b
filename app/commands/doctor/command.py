"""The command `sllm doctor`: every check, a line for each, and an exit code for scripts."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from app.commands.doctor.finding import Finding
from app.commands.ends import FAILED
from app.commands.output import console, print_json
from app.commands.words import say

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help=say("help_json"))] = False,
) -> None:
    """Look for what is wrong with this set-up, and say what mends it. Changes nothing."""
    findings = list(_all(as_json))
    bad = [each for each in findings if each.status == "fail"]
    doubtful = [each for each in findings if each.status == "warn"]
    if as_json:
        print_json({"ok": not bad, "findings": findings})
    else:
        text = say("doctor_summary", failed=len(bad), warned=len(doubtful))
        console().print()
        console().print(text if bad or doubtful else say("doctor_all_well"))
    if bad:
        raise typer.Exit(FAILED)


def _all(silent: bool) -> Iterator[Finding]:
    """Each finding as it comes: loading the libraries takes a moment."""
    # Late: the checks bring the whole server along.
    from app.commands.doctor.checks import findings

    for finding in findings():
        if not silent:
            _show(finding)
        yield finding


def _show(finding: Finding) -> None:
    mark = Text(f"{finding.status:<5}", style=COLOURS[finding.status])
    console().print(Text.assemble(mark, f"{finding.check:<14}{finding.text}"))
    if finding.fix:
        console().print(Text(f"     → {finding.fix}", style="bold"))
