"""A workload, the power cut at its moments, and what the server finds when it starts again."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from app.database import DatabaseUnusable, open_database, sqlite, transfer
from app.database.records import Tree
from app.domain.errors import SllmError
from tests.database.disk import DATABASE, Acknowledged, Event, Keep, Sync, moments
from tests.database.replay import noted, replayed
from tests.database.workloads import OWNER, Workload

SECTORS = (512, 4096)
# Pages in the log before it is written back: so few that every workload does it several times.
OFTEN = "wal_autocheckpoint=40"


@dataclass
class Promises:
    """What each message was last promised to read, and what it may read by then."""

    kept: dict[str, str | None] = field(default_factory=dict)
    later: dict[str, list[str | None]] = field(default_factory=dict)

    def broken_by(self, found: dict[str, str]) -> list[str]:
        return [
            id_
            for id_, content in self.kept.items()
            if found.get(id_) != content and found.get(id_) not in self.later[id_]
        ]

    @classmethod
    def of(cls, events: list[Event]) -> "Promises":
        """Before the first event: nothing is promised yet, everything may come."""
        promises = cls()
        for event in events:
            if isinstance(event, Acknowledged):
                for id_, content in event.contents.items():
                    promises.later.setdefault(id_, []).append(content)
        return promises

    def keep(self, event: Acknowledged) -> None:
        for id_, content in event.contents.items():
            self.kept[id_] = content
            self.later[id_].remove(content)


@dataclass(frozen=True)
class Cut:
    """The files that a power cut before `number`-th event has left, and what must be in them."""

    number: int
    variant: str
    files: dict[str, bytes]
    promises: Promises


def variants(chance: random.Random) -> dict[str, tuple[Keep, int]]:
    """What happens to all that is not safe: lost, kept, or some of its sectors."""
    torn = {f"torn at {size}": (lambda: chance.random() < 0.5, size) for size in SECTORS}
    return {"lost": (lambda: False, 4096), "kept": (lambda: True, 4096), **torn}


def points(events: list[Event]) -> list[int]:
    """Right before and right after each sync, and after each promise."""
    marks = (n for n, event in enumerate(events) if isinstance(event, Sync | Acknowledged))
    return sorted({at for n in marks for at in (n, n + 1) if at < len(events)})


def cuts(database: bytes, events: list[Event], at: set[int], seed: int) -> Iterator[Cut]:
    """All variants at the moments before the events numbered `at`."""
    chance = random.Random(seed)
    promises = Promises.of(events)
    for number, (event, disk) in enumerate(moments(database, events)):
        if number in at:
            for name, (keep, sector) in variants(chance).items():
                yield Cut(number, name, disk.cut(keep, sector), promises)
        if isinstance(event, Acknowledged):
            promises.keep(event)


def between(points_: list[int], chance: random.Random) -> list[int]:
    """One moment in the middle of each gap that has one."""
    gaps = pairwise(points_)
    return [chance.randint(start + 1, end - 1) for start, end in gaps if end - start > 1]


def happened(workload: Workload, folder: Path, *pragmas: str) -> tuple[bytes, list[Event]]:
    """The database before `workload`, and what then came to the disk; `pragmas` come last."""
    first, second = folder / "noted", folder / "replayed"
    second.mkdir(parents=True)
    before, notes = asyncio.run(noted(first, workload))
    return before.read_bytes(), replayed(before, notes, second, (OFTEN, *pragmas))


def losses(cut: Cut, parent: Path) -> list[str]:
    """Start the server's database on what is left; what is wrong with it, in words."""
    folder = Path(mkdtemp(dir=parent))
    for name, content in cut.files.items():
        (folder / name).write_bytes(content)
    try:
        trees = asyncio.run(_trees(folder))
        return _wrong(cut, trees) + _damage(folder / DATABASE)
    except (DatabaseUnusable, SllmError, sqlite.driver().Error) as error:
        return [str(error) or repr(error)]
    finally:
        rmtree(folder)


async def _trees(folder: Path) -> list[Tree]:
    database = await open_database(None, folder)
    try:
        return [tree async for tree in transfer.export_all(database, OWNER)]
    finally:
        await database.close()


def _wrong(cut: Cut, trees: list[Tree]) -> list[str]:
    found = {message.id: message.content for tree in trees for message in tree.messages}
    wrong = [f"message {id_} is not as promised" for id_ in cut.promises.broken_by(found)]
    for tree in trees:
        if len(tree.messages) != tree.conversation.message_count:
            wrong.append("a conversation has not the messages that it counts")
        wrong += [m.status for m in tree.messages if m.status not in ("complete", "interrupted")]
    return wrong


def _damage(path: Path) -> list[str]:
    with closing(sqlite.connect(path)) as connection:
        verdicts = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
        connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")
    return [verdict for verdict in verdicts if verdict != "ok"] + [str(each) for each in orphans]
