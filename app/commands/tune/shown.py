"""What `sllm tune` shows: what it is going to do, a table of what it has found, and the choice."""

from collections.abc import Iterable

from rich.table import Table

from app.commands.output import console, plain_table
from app.commands.tune.run import Plan, Tuned
from app.commands.words import language, say
from app.domain.model_info import Notice
from app.i18n.notices import words
from app.tuning.tuner import MOST_PERCENT, Figures
from app.weights.sizes import human_bytes

COLUMNS = ("format", "prefill", "one", "eight", "times", "quality", "disk", "memory")


def plan(found: Plan) -> None:
    out = console()
    machine = found.machine
    out.print(say("tune_machine", processor=machine.processor, threads=machine.threads))
    forms = ", ".join(found.offer.forms) or "-"
    out.print(say("tune_plan", model=found.source.id, forms=forms))
    if found.offer.missing:
        shown = {
            "missing": ", ".join(found.offer.missing),
            "needed": human_bytes(found.offer.bytes),
            "free": human_bytes(found.free_disk),
        }
        out.print(say("tune_room", **shown))
    _notes(found.offer.notices)


def results(tuned: Tuned) -> None:
    out = console()
    out.print()
    out.print(_table(tuned))
    out.print()
    _settings(tuned)
    _notes(tuned.notes[len(tuned.plan.offer.notices) :])
    if any(each.spread > 0.2 for each in tuned.figures.values()):
        out.print(say("tune_noisy"), style="yellow")
    values = {
        "name": tuned.best.name, "threads": tuned.best_threads, "batch": tuned.best_batch,
        "times": f"{tuned.gain:.2f}",
    }  # fmt: skip
    is_source = tuned.best.kind == "source"
    out.print(say("tune_best_source" if is_source else "tune_best", **values), style="bold")


def kept(name: str) -> None:
    console().print(say("tune_kept", file=name))


def _table(tuned: Tuned) -> Table:
    table = plain_table(*(say(f"tune_column_{name}") for name in COLUMNS))
    disk = {each.name: each.disk for each in tuned.candidates}
    base = tuned.figures[tuned.source]
    for name, each in tuned.figures.items():
        is_source = name == tuned.source
        mark = " *" if name == tuned.best.name else ""
        table.add_row(
            (say("tune_source", name=name) if is_source else name) + mark,
            f"{each.prefill:.0f}/s",
            *(f"{rate:.1f}/s" for rate in each.decode.values()),
            f"{each.score(base):.2f}",
            "-" if is_source else _quality(each),
            human_bytes(disk[name]),
            human_bytes(each.memory),
        )
    return table


def _quality(each: Figures) -> str:
    if each.loss is None:
        return say("tune_quality_unknown")
    text = f"{each.loss.percent:+.2f} % ± {each.loss.error:.2f}"
    return text if each.is_within_bound else say("tune_too_lossy", loss=text, most=MOST_PERCENT)


def _settings(tuned: Tuned) -> None:
    """Threads and batches on one line each."""
    out = console()
    if len(tuned.threads) > 1:
        rates = ", ".join(
            f"{count}: {' / '.join(f'{rate:.1f}' for rate in each.decode.values())}"
            for count, each in sorted(tuned.threads.items())
        )
        out.print(say("tune_threads", rates=rates))
    if len(tuned.batches) > 1:
        rates = ", ".join(
            f"{size}: {each.prefill:.0f}" for size, each in sorted(tuned.batches.items())
        )
        out.print(say("tune_batches", rates=rates))


def _notes(notices: Iterable[Notice]) -> None:
    for text in words(notices, language()):
        console().print(text, style="yellow")
