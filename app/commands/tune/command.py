"""The command `sllm tune`: asks, measures, shows, asks again, and keeps the choice."""

import signal
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

import typer

from app.commands.convert import Steps
from app.commands.ends import FAILED, fail, plain_errors, settings
from app.commands.output import print_json
from app.commands.tune import shown
from app.commands.tune.forgetting import forget
from app.commands.tune.run import Plan, Run, Tuned
from app.commands.words import language, say
from app.i18n.notices import words
from app.tuning.candidates import USUAL, WANTED, Wanted
from app.tuning.measuring import UnmeasurableError
from app.weights.task import Task

USAGE = 2


def tune(
    model: Annotated[str | None, typer.Argument(help=say("help_tune_model"))] = None,
    formats: Annotated[str, typer.Option(help=say("help_tune_formats"))] = ",".join(USUAL),
    rounds: Annotated[int, typer.Option(min=1, max=20, help=say("help_tune_rounds"))] = 3,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=say("help_tune_yes"))] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=say("help_tune_dry_run"))] = False,
    undo: Annotated[bool, typer.Option("--forget", help=say("help_tune_forget"))] = False,
    as_json: Annotated[bool, typer.Option("--json", help=say("help_tune_json"))] = False,
) -> None:
    """Find the quickest form of weights on this machine that loses no quality, and serve it."""
    found, steps, cancel = settings(), Steps(), threading.Event()
    # What was made so far is cleared at the end: let it come.
    signal.signal(signal.SIGINT, lambda *_: cancel.set())
    signal.signal(signal.SIGTERM, lambda *_: cancel.set())
    with plain_errors(), closing(steps):
        task = Task(steps, cancel)
        if undo:
            forget(model, found)
            return
        run = Run(found, model, _wanted(formats), rounds, task)
        plan = run.plan()
        if not as_json:
            shown.plan(plan)
        if dry_run:
            _end_dry(plan, as_json)
            return
        if not yes and not as_json and plan.offer.missing:
            _confirm(say("tune_ask_make"))
        with run:
            _finish(run, _measured(run, plan), yes=yes, as_json=as_json)


def _wanted(formats: str) -> Sequence[Wanted]:
    given = {name.strip().lower(): name.strip() for name in formats.split(",") if name.strip()}
    known = {each.lower(): each for each in WANTED}
    if unknown := sorted(written for name, written in given.items() if name not in known):
        fail(say("tune_bad_formats", names=", ".join(unknown)[:80], known=", ".join(WANTED)), USAGE)
    return [each for name, each in known.items() if name in given]


def _end_dry(plan: Plan, as_json: bool) -> None:
    if as_json:
        print_json(plan.told())


def _measured(run: Run, plan: Plan) -> Tuned:
    try:
        return run.measure(plan)
    except UnmeasurableError as error:
        fail(words([error.reason], language())[0])


def _finish(run: Run, tuned: Tuned, *, yes: bool, as_json: bool) -> None:
    if as_json:
        path = run.keep(tuned) if yes else None
        print_json({**tuned.told(), "kept": path is not None})
        return
    shown.results(tuned)
    if not yes:
        _confirm(say("tune_ask_keep"))
    shown.kept(run.keep(tuned).name)


def _confirm(question: str) -> None:
    # Where a person is waited for, Ctrl-C ends the waiting.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        agreed = typer.confirm(question)
    finally:
        signal.signal(signal.SIGINT, before)
    if not agreed:
        raise typer.Exit(FAILED)
