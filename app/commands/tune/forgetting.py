"""`sllm tune --forget`: the choice goes, and what was made for it."""

import shutil
from pathlib import Path

import typer

from app.commands.ends import fail
from app.commands.words import say
from app.config import Settings
from app.tuned import choice as choices
from app.weights import WeightsError, locate


def forget(model: str | None, settings: Settings) -> None:
    """Of these weights, also of a choice that can no longer be used. Raises WeightsError."""
    source = locate(settings.sllm_model_path if model is None else model, settings.data_dir)
    path = choices.file_for(Path(source.path), settings.data_dir) if source else None
    if source is None or path is None or not path.exists():
        fail(say("tune_nothing_to_forget"))
    try:
        for each in _made(Path(source.path), settings.data_dir):
            _delete(each, settings.data_dir)
        path.unlink()
    except OSError as error:
        values = {"directory": path.parent.name, "reason": error.strerror or str(error)}
        raise WeightsError("weights_disk_error", **values) from error
    typer.echo(say("tune_forgotten", model=source.id))


def _made(source: Path, data_dir: Path) -> list[Path]:
    try:
        found = choices.read(source, data_dir)
    except choices.UnusableChoice:
        return []
    return [Path(path) for path in found.made] if found else []


def _delete(path: Path, data_dir: Path) -> None:
    """Only what lies in our own folder, whatever the file says."""
    if not path.resolve().is_relative_to(data_dir.resolve()) or not path.exists():
        return
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
