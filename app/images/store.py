"""Pictures on disk, one PNG for all that have the same pixels: kept as long as somebody's message
shows them, or is about to.

`FOLDER/<sha256>.png`; `FOLDER/leases/<sha256>.<random>` for pictures of messages that are not
stored yet. A file goes under the lock only, when neither a lease nor a row names it.
"""

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from app.database import Database, images
from app.domain.errors import SllmError
from app.engine.feature_folder import FEATURES, forget
from app.images.decoder import Decoded

T = TypeVar("T")
LOCK_SECONDS = 0.01
# Of a process that died; no request prepares its message for as long as this.
STALE_SECONDS = 3600
SWEPT_AT_ONCE = 500
PIECE = 256 * 1024
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT, errno.EACCES, errno.EPERM)
log = logging.getLogger(__name__)


class ImageStore:
    """Of one data folder; every process of this server has its own, and they share the files.

    Raises SllmError `storage_full` where a file cannot be written.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.incoming = folder / "incoming"
        self._leases = folder / "leases"
        self._database = database

    def path_of(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.png"

    def check(self, sha256: str) -> None:
        """SllmError `not_found` where somebody has taken the file away."""
        if not self.path_of(sha256).exists():
            raise SllmError("not_found", "image_gone", param="images")

    def size_of(self, sha256: str) -> int | None:
        """Of the file, in bytes; None where it is gone."""
        try:
            return self.path_of(sha256).stat().st_size
        except FileNotFoundError:
            return None

    async def read(self, sha256: str) -> AsyncGenerator[bytes, None]:
        """The PNG in pieces. SllmError `not_found` before the first."""
        self.check(sha256)
        with await asyncio.to_thread(self.path_of(sha256).open, "rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    @asynccontextmanager
    async def leased(self) -> AsyncIterator["Lease"]:
        """For a message in the making: what is taken in this block stays until its end, and
        then as long as a message shows it."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            await asyncio.shield(asyncio.ensure_future(self._release(lease)))

    async def _release(self, lease: "Lease") -> None:
        for path in lease.paths:
            path.unlink(missing_ok=True)
        with contextlib.suppress(SllmError):  # the next sweep finds what is left
            await self.drop(lease.taken)

    async def take(self, sha256: str, found: Decoded | None, lease: Path) -> None:
        """Put the PNG that a decoder has left in its place, unless one is there."""
        async with self._locked():
            await asyncio.to_thread(self._take, sha256, found, lease)

    def _take(self, sha256: str, found: Decoded | None, lease: Path) -> None:
        with told_when_full():
            lease.touch(0o600)
            path = self.path_of(sha256)
            if found is not None:
                source = self.incoming / found.name
                if path.exists():
                    source.unlink()
                else:
                    source.rename(path)
                    _sync(self.folder)
            elif not path.exists():
                raise SllmError("not_found", "image_not_found", param="images")

    def lease_path(self, sha256: str) -> Path:
        return self._leases / f"{sha256}.{secrets.token_hex(8)}"

    async def drop(self, hashes: Iterable[str]) -> None:
        """Remove the files that nobody needs any more."""
        wanted = sorted(set(hashes))
        for start in range(0, len(wanted), SWEPT_AT_ONCE):
            some = wanted[start : start + SWEPT_AT_ONCE]
            async with self._locked():
                used = await images.used(self._database, some) | self._leased()
                for sha256 in set(some) - used:
                    self.path_of(sha256).unlink(missing_ok=True)
                    forget(self.folder.with_name(FEATURES), sha256)

    def _leased(self) -> set[str]:
        return {path.name.partition(".")[0] for path in self._leases.iterdir()}

    async def deleting(self, work: Awaitable[tuple[T, frozenset[str]]]) -> T:
        """The result of `work`, which deletes messages and tells what they showed."""
        result, hashes = await work
        await self.drop(hashes)
        return result

    async def open(self) -> None:
        """Make the folders, and remove what processes that died have left. Where that fails,
        images are answered with `storage_full`, and nothing else suffers."""
        try:
            names = await asyncio.to_thread(self._prepare)
            await self.drop(names)
        except (OSError, SllmError) as error:
            log.warning("images cannot be kept in DATA_DIR: %s", error)

    def _prepare(self) -> list[str]:
        for each in (self.folder, self.incoming, self._leases):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
            each.chmod(0o700)
        self._forget_stale()
        return [path.stem for path in self.folder.glob("*.png")]

    def _forget_stale(self) -> None:
        oldest = time.time() - STALE_SECONDS
        for path in (*self.incoming.iterdir(), *self._leases.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """One process at a time; the kernel frees the lock of one that dies."""
        file = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _try_lock(file):  # noqa: ASYNC110 - another process holds it
                await asyncio.sleep(LOCK_SECONDS)
            yield
        finally:
            os.close(file)


class Lease:
    """The pictures of one message in the making."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store
        self.paths: list[Path] = []
        self.taken: list[str] = []

    async def take(self, sha256: str, found: Decoded | None = None) -> None:
        """A picture that has just been decoded, or one that is kept already. SllmError
        `not_found` when that is gone."""
        path = self._store.lease_path(sha256)
        self.paths.append(path)
        self.taken.append(sha256)
        await self._store.take(sha256, found, path)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def told_when_full() -> Iterator[None]:
    """SllmError `storage_full` for what a full or missing disk makes of writing."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise SllmError("storage_full") from error
        raise
