"""`sllm models pull`: the room for it first, in numbers, then the weights."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import psutil
import typer

from app.commands.ends import fail, plain_errors, settings
from app.commands.words import say
from app.terminal import DownloadProgress
from app.weights import WeightsError, catalog, ensure, locate
from app.weights.catalog import CatalogEntry
from app.weights.hub_name import HubName, hub_name
from app.weights.memory import PROCESS_BYTES, available_bytes
from app.weights.pulled import PulledModel
from app.weights.sizes import human_bytes
from app.weights.store import free_bytes
from app.weights.task import Task


def pull(
    name: Annotated[str | None, typer.Argument(help=say("help_models_pull_name"))] = None,
    revision: Annotated[str | None, typer.Option(help=say("help_models_pull_revision"))] = None,
    vision: Annotated[bool, typer.Option("--vision", help=say("help_models_pull_vision"))] = False,
    force: Annotated[bool, typer.Option("--force", help=say("help_models_pull_force"))] = False,
) -> None:
    """Fetch weights: resumed where it was broken off, checked by their sha256."""
    cancel = threading.Event()
    # What came is kept: let the download end by itself.
    signal.signal(signal.SIGINT, lambda *_: cancel.set())
    signal.signal(signal.SIGTERM, lambda *_: cancel.set())
    with plain_errors(), DownloadProgress() as progress:
        _Pulling(settings().data_dir, Task(progress, cancel), force).run(name, revision, vision)


class _Pulling:
    """One pull, to `data_dir`."""

    def __init__(self, data_dir: Path, task: Task, force: bool) -> None:
        self._data_dir = data_dir
        self._task = task
        self._force = force

    def run(self, name: str | None, revision: str | None, vision: bool) -> None:
        entry = catalog.find(name.strip()) if name else catalog.default_entry()
        if entry is None:
            wanted = hub_name(name or "")
            if wanted is None:
                near = ", ".join(catalog.near_names((name or "")[:80]))
                raise WeightsError("weights_unknown_name", name=(name or "")[:80], available=near)
            self._tell(self._from_hub(wanted, revision, vision))
        elif entry.repository is not None:
            source = entry.repository
            model = self._from_hub(HubName(source.repo), revision or source.revision, False)
            self._tell(model, entry)
        elif entry.sha256 is None and entry.hub is not None:
            source_file = HubName(entry.hub.repo, entry.hub.file)
            typer.echo(say("models_hub_word", name=entry.name), err=True)
            self._require_memory(entry.name, entry.memory_bytes)
            self._from_hub(source_file, revision or entry.hub.revision, vision)
            self._done(entry)
        else:
            self._from_catalogue(entry)

    def _from_catalogue(self, entry: CatalogEntry) -> None:
        if entry.conversion is None and locate(entry.name, self._data_dir) is None:
            self._tell_room(entry.size_bytes, entry.memory_bytes)
            self._require_memory(entry.name, entry.memory_bytes)
        ensure(entry.name, self._data_dir, self._task)
        self._done(entry)

    def _from_hub(self, wanted: HubName, revision: str | None, vision: bool) -> PulledModel:
        # Late: it brings huggingface_hub along.
        from app.weights.pull import Pull

        found = Pull(wanted, revision, vision)
        made = found.selection
        # The cache of the context comes on top; `info` knows it once the header is here.
        memory = made.bytes + PROCESS_BYTES if made.kind != "safetensors" else 0
        missing = found.missing_bytes(self._data_dir)
        shown = {"files": len(made.files), "licence": found.repository.license or "-"}
        typer.echo(say("models_pull_found", name=wanted.text, **shown), err=True)
        self._tell_room(missing, memory)
        self._require_memory(wanted.text, memory)
        return found.fetch(self._data_dir, self._task)

    def _tell_room(self, disk: int, memory: int) -> None:
        """What is needed and what is there. That it fits on the disk is checked below."""
        values = {
            "disk": human_bytes(disk),
            "free_disk": human_bytes(free_bytes(self._data_dir)),
            "memory": human_bytes(memory) if memory else "-",
            "free_memory": human_bytes(available_bytes()),
        }
        typer.echo(say("models_room", **values), err=True)

    def _require_memory(self, name: str, memory: int) -> None:
        total = psutil.virtual_memory().total
        if memory > total and not self._force:
            shown = {"needed": human_bytes(memory), "total": human_bytes(total)}
            fail(say("models_too_big", name=name, **shown))

    def _done(self, entry: CatalogEntry) -> None:
        typer.echo(say("models_serve", name=entry.name))

    def _tell(self, model: PulledModel, entry: CatalogEntry | None = None) -> None:
        """What to do with it now."""
        path = model.path(self._data_dir)
        if model.kind != "safetensors":
            typer.echo(say("models_serve", name=model.name))
            if any("mmproj" in file.name.lower() for file in model.files):
                typer.echo(say("models_serve_vision", name=model.name))
            return
        options = " --vision" if entry and entry.repository and entry.repository.vision else ""
        if entry is not None:
            options += f" --output {self._data_dir / 'converted' / entry.file}"
        typer.echo(say("models_convert", command=f"sllm convert {path}{options}"))
