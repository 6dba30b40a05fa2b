"""`sllm models remove`: take weights off this machine, after asking."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from app.commands.ends import fail, plain_errors, settings
from app.commands.words import say
from app.weights import inventory, pulled
from app.weights.inventory import Kept
from app.weights.sizes import human_bytes


def remove(
    names: Annotated[list[str] | None, typer.Argument(help=say("help_models_remove_names"))] = None,
    leftovers: Annotated[
        bool, typer.Option("--leftovers", help=say("help_models_remove_leftovers"))
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=say("help_yes"))] = False,
) -> None:
    """Remove weights from this machine; what was served from them goes on until it ends."""
    data_dir = settings().data_dir
    with plain_errors():
        found = [inventory.find(name, data_dir) for name in names or []]
        left = inventory.leftovers(data_dir) if leftovers else []
    if not found and not left:
        fail(say("models_nothing_to_remove"))
    size = sum(each.bytes for each in found) + sum(map(inventory.size_of, left))
    what = ", ".join([*(each.name for each in found), *(path.name for path in left)])
    if not yes and not typer.confirm(say("models_remove_ask", what=what, size=human_bytes(size))):
        raise typer.Abort
    try:
        for each in found:
            _remove(each, data_dir)
        for path in left:
            _delete(path)
    except OSError as error:
        fail(say("models_remove_failed", reason=error.strerror or error))
    typer.echo(say("models_removed", what=what, size=human_bytes(size)))


def _remove(kept: Kept, data_dir: Path) -> None:
    if kept.pulled is None:
        for path in kept.paths:
            _delete(path)
        return
    folder = kept.pulled.folder(data_dir)
    for file in pulled.forget(kept.pulled, data_dir):
        _delete(folder / file.name)
    if not any(each.repo == kept.pulled.repo for each in pulled.models(data_dir)):
        _delete(folder)


def _delete(path: Path) -> None:
    """A link goes, what it leads to stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
