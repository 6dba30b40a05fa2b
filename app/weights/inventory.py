"""What lies in DATA_DIR: weights by name, and what broken downloads have left."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from app.weights import catalog, pulled, requantized
from app.weights.catalog import CatalogEntry
from app.weights.ensure import (
    CONVERTED_FOLDER,
    WEIGHTS_FOLDER,
    converted_folder,
    file_of,
)
from app.weights.errors import WeightsError
from app.weights.hub_name import hub_name
from app.weights.pull import FETCHING
from app.weights.pulled import HUB_FOLDER, PulledModel

Origin = Literal["catalogue", "hub", "converted"]


class Kept(Struct, frozen=True):
    """Weights on this machine. `path` is what a server is told of; `paths` is all that goes
    when they are removed."""

    name: str
    origin: Origin
    path: Path
    paths: tuple[Path, ...]
    entry: CatalogEntry | None = None
    pulled: PulledModel | None = None

    @property
    def bytes(self) -> int:
        return sum(map(size_of, self.paths))


def size_of(path: Path) -> int:
    """Bytes of a file or of all files below a folder; what is gone has none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def kept(data_dir: Path) -> list[Kept]:
    """Everything that can be served or converted, catalogue first."""
    found = [*_of_catalogue(data_dir), *_of_hub(data_dir)]
    named = {each.path for each in found}
    return [*found, *(each for each in _converted(data_dir) if each.path not in named)]


def find(name: str, data_dir: Path) -> Kept:
    """By the name that `kept` gives, with or without `hf:`. Raises WeightsError."""
    everything = kept(data_dir)
    wanted = hub_name(name)
    names = {name.strip(), wanted.text if wanted else name}
    fitting = [each for each in everything if each.name in names]
    if not fitting and wanted is not None and wanted.file is None:
        fitting = [each for each in everything if each.pulled and each.pulled.repo == wanted.repo]
    if len(fitting) == 1:
        return fitting[0]
    here = ", ".join(each.name for each in fitting or everything) or "-"
    raise WeightsError("weights_not_here", name=name[:120], here=here)


def leftovers(data_dir: Path) -> list[Path]:
    """Downloads that were broken off, and files that were set aside as wrong."""
    weights, hub = data_dir / WEIGHTS_FOLDER, data_dir / HUB_FOLDER
    found = [*weights.glob("*.bad"), *weights.glob(".*.fetching"), *hub.glob(f"*/{FETCHING}")]
    found += requantized.leftovers(data_dir)
    return sorted(path for path in found if path.is_file() or any(path.iterdir()))


def _of_catalogue(data_dir: Path) -> Iterator[Kept]:
    for entry in catalog.entries():
        folder = converted_folder(entry, data_dir)
        if folder is not None and folder.is_dir():
            yield Kept(entry.name, "converted", folder, (folder,), entry)
        elif folder is None and file_of(entry, data_dir).is_file():
            file = file_of(entry, data_dir)
            notes = (file.with_name(f"{file.name}{end}") for end in (".json", ".lock"))
            copies = requantized.files_of(entry.sha256, data_dir) if entry.sha256 else []
            paths = (file, *(note for note in notes if note.exists()), *copies)
            yield Kept(entry.name, "catalogue", file, paths, entry)


def _of_hub(data_dir: Path) -> Iterator[Kept]:
    for model in pulled.models(data_dir):
        folder = model.folder(data_dir)
        paths = tuple(folder / file.name for file in model.files)
        yield Kept(model.name, "hub", model.path(data_dir), paths, pulled=model)


def _converted(data_dir: Path) -> Iterator[Kept]:
    for folder in sorted((data_dir / CONVERTED_FOLDER).glob("*/")):
        if any(folder.glob("*.onnx")):
            yield Kept(folder.name, "converted", folder, (folder,))
