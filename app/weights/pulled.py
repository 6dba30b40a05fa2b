"""Weights that were pulled from a hub: what is kept of each repository, and where it lies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from app.weights.errors import WeightsError
from app.weights.hub_name import HubName
from app.weights.repository import RemoteFile
from app.weights.selection import Kind

HUB_FOLDER: Final = "hub"
RECORD: Final = "pulled.json"
RepoName = Annotated[str, Meta(pattern=r"^[\w.-]+/[\w.-]+$")]


class PulledModel(Struct, frozen=True):
    """One model of a repository: the files that make it, at a commit. `serve` is the file that
    a server is told of, "" for the whole folder."""

    repo: RepoName
    kind: Kind
    serve: str
    revision: str
    commit: str
    license: str | None
    files: tuple[RemoteFile, ...]

    @property
    def name(self) -> str:
        return HubName(self.repo, self.serve or None).text

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)

    def folder(self, data_dir: Path) -> Path:
        return folder_of(self.repo, data_dir)

    def path(self, data_dir: Path) -> Path:
        return self.folder(data_dir) / self.serve


def folder_of(repo: str, data_dir: Path) -> Path:
    return data_dir / HUB_FOLDER / HubName(repo).folder


def models(data_dir: Path) -> Iterator[PulledModel]:
    """Every one that was pulled whole, by name. A record that cannot be read has none."""
    for record in sorted((data_dir / HUB_FOLDER).glob(f"*/{RECORD}")):
        yield from _read(record)


def find(wanted: HubName, data_dir: Path) -> PulledModel | None:
    """The one that was pulled by this name, or of a repository the only one."""
    found = list(_read(folder_of(wanted.repo, data_dir) / RECORD))
    if wanted.file is None:
        return found[-1] if found else None
    return next((each for each in found if each.serve == wanted.file), None)


def place(wanted: HubName, data_dir: Path) -> Path:
    """Where what was pulled by this name can be served from. Raises WeightsError."""
    found = find(wanted, data_dir)
    if found is None:
        raise WeightsError("weights_pull_first", name=wanted.text)
    if found.kind == "safetensors":
        folder = str(found.folder(data_dir))
        raise WeightsError("weights_pulled_raw", name=wanted.text, folder=folder)
    return found.path(data_dir)


def keep(model: PulledModel, data_dir: Path) -> None:
    """Write it down, in place of an earlier pull of the same file."""
    record = model.folder(data_dir) / RECORD
    others = [each for each in _read(record) if each.serve != model.serve]
    _write(record, [*others, model])


def forget(model: PulledModel, data_dir: Path) -> list[RemoteFile]:
    """Take it off the record; returns its files that no other model of the folder needs."""
    record = model.folder(data_dir) / RECORD
    others = [each for each in _read(record) if each.serve != model.serve]
    _write(record, others)
    needed = {file.name for each in others for file in each.files}
    return [file for file in model.files if file.name not in needed]


def _read(record: Path) -> tuple[PulledModel, ...]:
    try:
        return msgspec.json.decode(record.read_bytes(), type=tuple[PulledModel, ...])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return ()


def _write(record: Path, found: list[PulledModel]) -> None:
    fresh = record.with_name(f".{record.name}.fresh")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    fresh.replace(record)
