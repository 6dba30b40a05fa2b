"""The private directory in which the workers of one server find their engine.

`<runtime>/sllm-<uid>/<server>/<role>/` (0700) holds the sockets, the owner's lock and the
status. One server is one process tree, however many workers it has.
"""

import fcntl
import json
import multiprocessing
import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Literal

import psutil
from msgspec import Struct

from app.domain.model_info import Notice

# sockaddr_un holds 108 bytes; leave room for the server's and the sockets' names.
MAX_BASE_LENGTH = 60
# Beside the engines' directories: what the workers count (app/metrics/shared.py).
METRICS = "metrics"
# Linux keeps files of this directory in memory.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - `_private` refuses what is not ours
State = Literal["loading", "ready", "failed"]


class EngineStatus(Struct, frozen=True):
    """What the owner knows of the engine; `reason` says why it is not (yet) ready, `restarts`
    how many engines of this server have ended before."""

    state: State
    reason: Notice | None = None
    pid: int | None = None
    restarts: int = 0


def server_pid() -> int:
    """The process whose end is the end of the server: the one that started the workers."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        return parent.pid
    return os.getppid() if "gunicorn" in sys.modules else os.getpid()


def _base() -> Path:
    preferred = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    usable = len(str(preferred)) <= MAX_BASE_LENGTH and os.access(preferred, os.W_OK)
    shortest = Path("/tmp")  # noqa: S108 - `_private` refuses what is not ours
    return (preferred if usable else shortest) / f"sllm-{os.getuid()}"


def _private(directory: Path) -> Path:
    """Make it, or refuse one that somebody else could have put there. Raises OSError."""
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    facts = directory.lstat()
    private = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
    if not private or facts.st_mode & 0o077:
        raise PermissionError(f"{directory} must be a directory of yours with mode 0700")
    return directory


def _identity(pid: int) -> str:
    return f"{pid}-{int(psutil.Process(pid).create_time() * 100)}"


def runtime_directory(role: str) -> Path:
    """This server's directory for `role` ("text", "vision", METRICS); left-overs of dead servers
    go."""
    base = _private(_base())
    server = base / _identity(server_pid())
    for other in base.iterdir():
        if other != server and not _alive(other.name):
            shutil.rmtree(other, ignore_errors=True)
    return _private(_private(server) / role)


def memory_directory(directory: Path) -> Path | None:
    """A directory in memory for the engine that `directory` is of; None where the system has no
    such place. Left-overs of dead servers go. Raises OSError."""
    if not SHARED_MEMORY.is_dir():
        return None
    base = _private(SHARED_MEMORY / f"sllm-{os.getuid()}")
    for other in base.iterdir():
        if not _alive(other.name):
            shutil.rmtree(other, ignore_errors=True)
    return _private(_private(base / directory.parent.name) / directory.name)


def _alive(name: str) -> bool:
    pid = name.partition("-")[0]
    try:
        return pid.isdigit() and _identity(int(pid)) == name
    except psutil.Error:
        return False


def remove(directory: Path) -> None:
    """Clear up after an engine of this server has ended; after the last of them, everything."""
    shutil.rmtree(directory, ignore_errors=True)
    server = directory.parent
    with suppress(OSError):
        if {entry.name for entry in server.iterdir()} <= {METRICS}:
            shutil.rmtree(server, ignore_errors=True)


class OwnerLock:
    """Held by the one worker that starts and watches the engine; the kernel frees it when
    that worker dies, however it dies."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "owner.lock"
        self._file: int | None = None

    def try_acquire(self) -> bool:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    @property
    def held(self) -> bool:
        return self._file is not None

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class StatusFile:
    """The owner's word to the other workers, replaced as a whole."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "status.json"
        self._file: tuple[int, ...] = ()
        self._read = EngineStatus("loading")

    def write(self, status: EngineStatus) -> None:
        reason = status.reason and {"text": status.reason.text, "values": status.reason.values}
        body = json.dumps(
            {
                "state": status.state,
                "reason": reason,
                "pid": status.pid,
                "restarts": status.restarts,
            }
        )
        fresh = self._path.with_suffix(f".{os.getpid()}")
        fresh.write_text(body)
        fresh.replace(self._path)

    def read(self) -> EngineStatus:
        """`loading` as long as no owner has written anything."""
        try:
            # It is asked with every request and changes hardly ever; each word is a new file.
            facts = self._path.stat()
            file = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
            if file != self._file:
                self._read, self._file = self._parsed(), file
        except FileNotFoundError:
            return EngineStatus("loading")
        return self._read

    def _parsed(self) -> EngineStatus:
        body = json.loads(self._path.read_text())
        reason = body["reason"] and Notice(body["reason"]["text"], body["reason"]["values"])
        return EngineStatus(body["state"], reason, body["pid"], body["restarts"])
