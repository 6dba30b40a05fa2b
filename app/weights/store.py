"""Weights files on disk: are they the right ones, and how they are put in place for good."""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from app.weights.errors import WeightsError
from app.weights.sizes import human_bytes
from app.weights.task import CHUNK, Task

LOCK_POLL_SECONDS: Final = 0.2
NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)


class _Checked(Struct, frozen=True):
    """What `<file>.json` keeps: the file had this hash when it had this size and time."""

    size: int
    mtime_ns: int
    sha256: str


def sha256_of(path: Path, task: Task) -> str:
    """Hex digest of the whole file; may be cancelled."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            task.check()
            digest.update(chunk)
    return digest.hexdigest()


def is_verified(path: Path, size: int, sha256: str, task: Task) -> bool:
    """Whether `path` is a file with these; hashed once, then remembered beside it until its
    size or time change."""
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if facts.st_size != size:
        return False
    if _remembered(path) == _Checked(size, facts.st_mtime_ns, sha256):
        return True
    task.say("weights_checking", file=path.name, size=human_bytes(size))
    if sha256_of(path, task) != sha256:
        return False
    remember(path, sha256)
    return True


def remember(path: Path, sha256: str) -> None:
    """Note beside the file that it has this hash. A read-only place is hashed every time."""
    facts = path.stat()
    note = _Checked(facts.st_size, facts.st_mtime_ns, sha256)
    fresh = _note(path).with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        fresh.write_bytes(msgspec.json.encode(note))
        fresh.replace(_note(path))


def _note(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _remembered(path: Path) -> _Checked | None:
    try:
        return msgspec.json.decode(_note(path).read_bytes(), type=_Checked)
    except (OSError, msgspec.DecodeError):
        return None


def set_aside(path: Path, task: Task) -> None:
    """Rename a wrong file to `<file>.bad`, so that a right one can take its place."""
    bad = path.with_name(path.name + ".bad")
    path.replace(bad)
    _note(path).unlink(missing_ok=True)
    task.say("weights_set_aside", file=path.name, bad=bad.name)


def publish(fresh: Path, path: Path, sha256: str) -> None:
    """Move a file whose hash is right into place, and note that it is."""
    put_in_place(fresh, path)
    remember(path, sha256)


def put_in_place(fresh: Path, path: Path) -> None:
    """Move a file so that it survives a power cut whole or not at all."""
    _sync(fresh)
    fresh.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def locked(path: Path, task: Task) -> Iterator[None]:
    """Held by one process at a time; the kernel frees it when that process dies."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not _try_lock(file):
            task.say("weights_waiting", name=path.stem)
            while not _try_lock(file):
                task.pause(LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(file)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def free_bytes(directory: Path) -> int:
    """Of the disk where `directory` is or would be."""
    there = next(path for path in (directory, *directory.parents) if path.exists())
    return shutil.disk_usage(there).free


def require_space(directory: Path, name: str, needed: int) -> None:
    """Raises WeightsError unless `needed` more bytes fit where `directory` is."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise _disk_full(name, needed, free)


@contextmanager
def disk_errors(directory: Path, name: str, needed: int) -> Iterator[None]:
    """Failures of the disk under `directory` become WeightsError, in words."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise _disk_full(name, needed, shutil.disk_usage(directory).free) from error
        reason = os.strerror(error.errno or errno.EIO)
        raise WeightsError("weights_disk_error", directory=directory.name, reason=reason) from error


def _disk_full(name: str, needed: int, free: int) -> WeightsError:
    shown = {"needed": human_bytes(needed), "free": human_bytes(free)}
    return WeightsError("weights_disk_full", name=name, **shown)
