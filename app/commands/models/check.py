"""`sllm models check`: read weights again from end to end, and say which are not what they were."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.ends import FAILED, plain_errors, settings
from app.commands.output import console, plain_table, print_json
from app.commands.words import say
from app.weights import WeightsError, inventory, store
from app.weights.facts import facts_of
from app.weights.inventory import Kept
from app.weights.pull import is_right
from app.weights.task import Task


def check(
    names: Annotated[list[str] | None, typer.Argument(help=say("help_models_check_names"))] = None,
    as_json: Annotated[bool, typer.Option("--json", help=say("help_json"))] = False,
) -> None:
    """Verify the sha256 and the structure of weights on this machine; exit code 1 if one is bad."""
    data_dir = settings().data_dir
    with plain_errors():
        chosen = [inventory.find(name, data_dir) for name in names or []]
        found = chosen or inventory.kept(data_dir)
        results = [(each, trouble(each, data_dir)) for each in found]
    if as_json:
        rows = [
            {"name": each.name, "ok": wrong is None, "reason": wrong, "fix": wrong and mend(each)}
            for each, wrong in results
        ]
        print_json({"models": rows})
    else:
        _print(results)
    if any(wrong for _, wrong in results):
        raise typer.Exit(FAILED)


def _print(results: list[tuple[Kept, str | None]]) -> None:
    table = plain_table()
    for each, wrong in results:
        told = say("models_ok") if wrong is None else f"{wrong} {mend(each)}"
        table.add_row(each.name, "ok" if wrong is None else "FAIL", told)
    console().print(table if results else say("models_none_here"))


def trouble(kept: Kept, data_dir: Path, task: Task | None = None) -> str | None:
    """What is wrong with weights, in a sentence; None when nothing is. Reads all of them."""
    task = task or Task()
    try:
        if (wrong := _hashes(kept, data_dir, task)) is not None:
            return wrong
        if kept.pulled is None or kept.pulled.kind != "safetensors":
            facts_of(kept.path)
    except WeightsError as error:
        return say(error.text, **error.values)
    except OSError as error:
        return say("models_unreadable", reason=error.strerror or str(error))
    return None


def _hashes(kept: Kept, data_dir: Path, task: Task) -> str | None:
    if kept.pulled is not None:
        folder = kept.pulled.folder(data_dir)
        for file in kept.pulled.files:
            if not is_right(folder / file.name, file, task):
                return say("models_bad_hash", file=file.name)
        return None
    promised = kept.entry.sha256 if kept.entry is not None else None
    if promised is None or store.sha256_of(kept.path, task) == promised:
        return None
    return say("models_bad_hash", file=kept.path.name)


def mend(kept: Kept) -> str:
    """How to make it right again."""
    if kept.origin == "converted":
        return say("models_mend_convert", name=kept.name)
    return say("models_mend", name=kept.name)
