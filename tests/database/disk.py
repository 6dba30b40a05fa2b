"""A disk whose power can be cut: SQLite's writes and syncs go to real files and are noted here;
what would be left on the disk is worked out for any moment afterwards.

Model: a write lasts once its file is synced. Before, each of its sectors may be on the disk or not,
in any order; a new or deleted name likewise, until the directory is synced.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw

DATABASE = "sllm.db"


@dataclass(frozen=True)
class Write:
    inode: int
    offset: int
    data: bytes

    def pieces(self, sector: int) -> Iterator["Write"]:
        """Cut at multiples of `sector` bytes of the file."""
        end = self.offset + len(self.data)
        start = self.offset
        while start < end:
            stop = min(end, (start // sector + 1) * sector)
            yield Write(self.inode, start, self.data[start - self.offset : stop - self.offset])
            start = stop


@dataclass(frozen=True)
class Truncate:
    inode: int
    size: int


@dataclass(frozen=True)
class Sync:
    """`directory`: the file was new, and its name is synced with it, as SQLite's unix VFS does."""

    inode: int
    directory: bool


@dataclass(frozen=True)
class Create:
    name: str
    inode: int


@dataclass(frozen=True)
class Delete:
    name: str
    directory: bool


@dataclass(frozen=True)
class Acknowledged:
    """The caller has been told that these messages, by their ids, read like this; None: deleted."""

    contents: dict[str, str | None]


Event = Write | Truncate | Sync | Create | Delete | Acknowledged
Keep = Callable[[], bool]


@dataclass
class Recorder:
    """A folder with a database in it, and everything that happens there from now on."""

    folder: Path
    events: list[Event] = field(default_factory=list)
    inodes: dict[str, int] = field(default_factory=lambda: {DATABASE: 0})

    def created(self, name: str) -> int:
        self.inodes[name] = max(self.inodes.values()) + 1
        self.events.append(Create(name, self.inodes[name]))
        return self.inodes[name]


class Vfs(apsw.VFS):
    """SQLite's own file system, watched; registered under `name` as long as it lives."""

    def __init__(self, recorder: Recorder, name: str = "watched") -> None:
        self.recorder = recorder
        self.name = name
        super().__init__(name, base="unix")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "File":  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        assert path is not None  # a temporary file would not be seen
        is_new = not os.path.exists(path)  # noqa: PTH110
        file = File("unix", name, flags)
        short = Path(path).name
        file.recorder, file.is_new = self.recorder, is_new
        file.inode = self.recorder.created(short) if is_new else self.recorder.inodes[short]
        return file

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.recorder.events.append(Delete(Path(filename).name, bool(syncdir)))


class File(apsw.VFSFile):
    """One open file; shared memory and locks are the real ones."""

    recorder: Recorder
    inode: int
    is_new: bool

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self.recorder.events.append(Write(self.inode, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self.recorder.events.append(Truncate(self.inode, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self.recorder.events.append(Sync(self.inode, self.is_new))
        self.is_new = False


@dataclass
class Inode:
    """A file's bytes that are safe, and the changes that are not yet."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list[Write | Truncate] = field(default_factory=list)

    def sync(self) -> None:
        self.safe = self.surviving(lambda: True, 1 << 40)
        self.pending.clear()

    def surviving(self, keep: Keep, sector: int) -> bytearray:
        data = bytearray(self.safe)
        for change in self.pending:
            if isinstance(change, Truncate):
                if keep():
                    _resize(data, change.size)
                continue
            for piece in change.pieces(sector):
                if keep():
                    end = piece.offset + len(piece.data)
                    _resize(data, max(len(data), end))
                    data[piece.offset : end] = piece.data
        return data


def _resize(data: bytearray, size: int) -> None:
    del data[size:]
    data.extend(bytes(size - len(data)))


class Disk:
    """What `events` have left, one after the other."""

    def __init__(self, database: bytes) -> None:
        self.inodes = {0: Inode(bytearray(database))}
        self.names = {DATABASE: 0}
        self.safe_names = dict(self.names)

    def apply(self, event: Event) -> None:
        match event:
            case Write() | Truncate():
                self.inodes[event.inode].pending.append(event)
            case Sync():
                self.inodes[event.inode].sync()
            case Create():
                self.inodes[event.inode] = Inode()
                self.names[event.name] = event.inode
            case Delete():
                del self.names[event.name]
        if isinstance(event, Sync | Delete) and event.directory:
            self.safe_names = dict(self.names)

    def cut(self, keep: Keep, sector: int) -> dict[str, bytes]:
        """The files after a power cut now; `keep` decides for each thing that is not safe."""
        names = dict(self.safe_names)
        for name in sorted(self.names | self.safe_names):
            now = self.names.get(name)
            if now != names.get(name) and keep():
                if now is None:
                    del names[name]
                else:
                    names[name] = now
        return {
            name: bytes(self.inodes[inode].surviving(keep, sector)) for name, inode in names.items()
        }


def moments(database: bytes, events: Iterable[Event]) -> Iterator[tuple[Event, Disk]]:
    """The disk right before each event."""
    disk = Disk(database)
    for event in events:
        yield event, disk
        disk.apply(event)
