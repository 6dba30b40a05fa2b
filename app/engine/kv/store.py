"""One folder of kept caches under a budget: the least recently used go first."""

import fcntl
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from app.engine.kv import entries
from app.engine.kv.entries import Entry
from app.engine.kv_folder import ABOUT, PART, ROWS, owner_mark
from app.engine.slots import common_prefix

# Stays free on the file system, for what matters more than a cache.
RESERVE_BYTES = 1 << 30
# For an engine that ends: it has 5 s to write what it keeps.
PATIENCE_SECONDS = 6.0
LOCK = ".lock"


def _locked(path: Path) -> int:
    """An engine that ends may still be writing: wait for it. Raises OSError where another server
    has these weights and this folder for itself."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > end:
                os.close(file)
                raise OSError(error.errno, "another server keeps its own there") from error
            time.sleep(0.05)
        else:
            return file


class Found(NamedTuple):
    """A kept cache that begins as a prompt does, for `shared` tokens."""

    store: "Store"
    entry: Entry
    shared: int


class Store:
    """Entries in `folder` (made with mode 0700) of at most `budget` bytes together. Nothing but
    this process writes there; files may be deleted by others at any time."""

    def __init__(self, folder: Path, budget: int, reserve: int = RESERVE_BYTES) -> None:
        """Reads what is there. Raises OSError."""
        self.folder = folder
        self._budget, self._reserve = budget, reserve
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._lock = _locked(folder / LOCK)
        found = filter(None, map(entries.read, folder.glob(f"*{ABOUT}")))
        self._entries = {entry.name: entry for entry in found}
        self._whole: dict[str, tuple[int, ...]] = {}
        self._tidy()

    def _tidy(self) -> None:
        """What an end in the middle of writing has left."""
        for path in self.folder.iterdir():
            if path.name == LOCK:
                continue
            if path.name.endswith(PART) or path.name.partition(".")[0] not in self._entries:
                path.unlink(missing_ok=True)

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self._entries.values())

    def find(self, owner: str, prompt: list[int]) -> Found | None:
        """The entry of `owner` that shares most with `prompt`."""
        best: Found | None = None
        mark, wanted = owner_mark(owner), tuple(prompt)
        for entry in self._entries.values():
            if entry.owner != mark:
                continue
            least = best.shared + 1 if best is not None else 0
            if entry.tokens[:least] == wanted[:least]:
                best = Found(self, entry, common_prefix(entry.tokens, wanted))
        return best

    def seen_whole(self, entry: Entry) -> bool:
        """Whether the rows are the very file that this process has written or read already."""
        state = entries.state(self.folder, entry)
        return state is not None and self._whole.get(entry.name) == state

    def is_whole(self, entry: Entry) -> bool:
        """Read the rows: whether they are what was written. For a thread."""
        state = entries.state(self.folder, entry)
        if state is None or not entries.is_whole(self.folder, entry):
            return False
        self._whole[entry.name] = state
        return True

    def get(self, name: str) -> Entry | None:
        return self._entries.get(name)

    def writing(self, name: str) -> Path:
        """An empty file of our own for the rows of `name`. Raises OSError."""
        part = self.folder / (name + PART)
        part.touch(mode=0o600)
        return part

    def reading(self, entry: Entry) -> Path:
        return self.folder / (entry.name + ROWS)

    def add(self, entry: Entry) -> None:
        """Count an entry whose files were just written; others go to make room. Raises
        OSError."""
        self._entries[entry.name] = entry
        if (state := entries.state(self.folder, entry)) is not None:
            self._whole[entry.name] = state
        for entry in sorted(self._entries.values(), key=lambda one: one.used_at):
            if not self._too_full():
                break
            self.drop(entry.name)

    def _too_full(self) -> bool:
        return self.bytes > self._budget or shutil.disk_usage(self.folder).free < self._reserve

    def used(self, found: Entry) -> None:
        """Note that it was of use. Raises OSError."""
        if found.name in self._entries:
            self._entries[found.name] = entries.used(self.folder, found)

    def drop(self, name: str) -> None:
        self._entries.pop(name, None)
        self._whole.pop(name, None)
        entries.erase(self.folder, name)

    def forget(self, owner: str, name: str | None) -> None:
        """Drop one entry, or all of `owner`'s."""
        mark = owner_mark(owner)
        gone = [name] if name else [one for one, e in self._entries.items() if e.owner == mark]
        for each in gone:
            self.drop(each)

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    def clear(self) -> None:
        """Delete the folder with all that is in it."""
        self._entries.clear()
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # others may have theirs beside it
            self.folder.parent.rmdir()
