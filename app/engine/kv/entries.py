"""What is known of one kept cache, and the two files that it is: the rows, and this beside them."""

import json
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import xxhash

from app.engine.kv_folder import ABOUT, PART, ROWS, owner_mark

_FORMAT = 2
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A kept cache: the rows of `tokens` (ids of the weights' tokenizer, rows of images below
    zero) in `<name>.kv`. `owner` is the tenant's mark, `used_at` seconds of the epoch,
    which the file beside it has as its own time."""

    name: str
    owner: str
    tokens: tuple[int, ...]
    size: int
    checksum: str
    used_at: float


def checksum(path: Path) -> str:
    """Against rotten and half-written files; the folder is private, so it need not be secret.
    Raises OSError."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def state(folder: Path, entry: Entry) -> tuple[int, ...] | None:
    """Which rows lie there, as the file system tells: another state, other bytes. None: none."""
    try:
        found = (folder / (entry.name + ROWS)).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def is_whole(folder: Path, entry: Entry) -> bool:
    """Whether the rows are what was written."""
    path = folder / (entry.name + ROWS)
    try:
        return path.stat().st_size == entry.size and checksum(path) == entry.checksum
    except OSError:
        return False


def commit(folder: Path, name: str, owner: str, tokens: tuple[int, ...]) -> Entry:
    """Make an entry of the rows in `<name>.part`. Raises OSError."""
    part = folder / (name + PART)
    size, digest = part.stat().st_size, checksum(part)
    entry = Entry(name, owner_mark(owner), tokens, size, digest, time.time())
    # The old description must not stand beside new rows.
    (folder / (name + ABOUT)).unlink(missing_ok=True)
    part.rename(folder / (name + ROWS))
    _describe(folder, entry)
    return entry


def _describe(folder: Path, entry: Entry) -> None:
    about = {"format": _FORMAT, **asdict(entry)}
    del about["used_at"]
    part = folder / (entry.name + ABOUT + PART)
    part.write_text(json.dumps(about), encoding="ascii")
    part.chmod(0o600)
    part.rename(folder / (entry.name + ABOUT))


def used(folder: Path, entry: Entry) -> Entry:
    """With the present as its last use. Raises OSError."""
    now = time.time()
    os.utime(folder / (entry.name + ABOUT), (now, now))
    return replace(entry, used_at=now)


def read(path: Path) -> Entry | None:
    """The entry that a `.json` file describes; None for one that is no such thing."""
    try:
        found = json.loads(path.read_text(encoding="ascii"))
        if not isinstance(found, dict):
            return None
        return _entry(found, path.name.removesuffix(ABOUT), path.stat().st_mtime)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _entry(found: dict[str, Any], name: str, used_at: float) -> Entry | None:
    if found.pop("format") != _FORMAT or found["name"] != name:
        return None
    tokens = tuple(int(token) for token in found.pop("tokens"))
    return Entry(tokens=tokens, used_at=used_at, **found)


def erase(folder: Path, name: str) -> None:
    """Delete both files; raises nothing when they are gone."""
    for suffix in (ABOUT, ROWS, PART):
        (folder / (name + suffix)).unlink(missing_ok=True)
