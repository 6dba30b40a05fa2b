"""A process that opens a database, and kills itself in the middle:
`python -m tests.database.starter URL FOLDER MIGRATIONS STEP`.

A step is a statement, a commit, or a change of a name in a folder; 0 kills at none of them, and
the number of steps is printed.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from app.database import migrate, open_database

CHANGES = ("os.rename", "os.remove", "os.mkdir")


class Steps:
    """Counts, until the one that is the last."""

    def __init__(self, last: int) -> None:
        self.done = 0
        self._last = last
        event.listen(Engine, "before_cursor_execute", self.count)
        event.listen(Engine, "commit", self.count)
        sys.addaudithook(self.audit)

    def count(self, *_: Any) -> None:
        self.done += 1
        if self.done == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, name: str, _: Any) -> None:
        if name in CHANGES:
            self.count()


async def start(url: str, folder: Path) -> None:
    await (await open_database(url, folder)).close()


if __name__ == "__main__":
    migrate.SCRIPTS = Path(sys.argv[3])
    steps = Steps(int(sys.argv[4]))
    asyncio.run(start(sys.argv[1], Path(sys.argv[2])))
    sys.stdout.write(f"{steps.done}\n")
