"""A PostgreSQL server for the tests: in a temporary folder, on a free loopback port, as a user
that is not root, ended with the session, also with one that is killed."""

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import free_port

PATIENCE = 60
# Often in a folder that only root's own shell looks into.
RUNUSER = shutil.which("runuser", path=os.environ["PATH"] + ":/usr/sbin:/sbin") or "runuser"


def binaries() -> Path | None:
    """The folder with initdb and postgres; the newest where there are several."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(folders, key=lambda path: int(path.parts[-3]))
    return newest[-1].parent if newest else None


# Waits until nobody can write to it any more: its writer is done, or has been killed.
KEEPER = 'cat > /dev/null; "$@"; rm -rf -- "$0"'


class Postgresql:
    """A running server; `url` names a database that `fresh` has just made."""

    def __init__(self, folder: Path, programs: Path, port: int) -> None:
        self.folder, self.programs, self.port = folder, programs, port
        self._made = 0

    def command(self, program: str, *arguments: str) -> list[str]:
        user = [] if os.getuid() else [RUNUSER, "-u", "postgres", "--"]
        return [*user, str(self.programs / program), *arguments]

    def run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self.command(program, *arguments),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def psql(self, statement: str, database: str = "postgres") -> None:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "sllm", "-d", database]
        self.run("psql", *where, "-v", "ON_ERROR_STOP=1", "-c", statement)

    def pid(self) -> int:
        """Of the process that started all others."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        self.psql(f"CREATE DATABASE test{self._made}")
        return f"postgresql+asyncpg://sllm@127.0.0.1:{self.port}/test{self._made}"


@contextmanager
def running(programs: Path, *settings: str) -> Iterator[Postgresql]:
    """Started here and ended here, whatever happens in between. Settings: `name=value`."""
    folder = Path(tempfile.mkdtemp(prefix="sllm-pg-"))
    user = getpass.getuser() if os.getuid() else "postgres"
    os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    server = Postgresql(folder, programs, free_port())
    data = str(folder / "data")
    options = (
        f"-c port={server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
        "-c shared_buffers=128MB -c max_connections=100"
    ) + "".join(f" -c {setting}" for setting in settings)
    with _kept(folder, server.command("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")):
        server.run("initdb", "-D", data, "-U", "sllm", "-A", "trust", "-E", "UTF8", "--no-locale")
        log = str(folder / "log")
        server.run("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        yield server


@contextmanager
def _kept(folder: Path, stop: list[str]) -> Iterator[None]:
    """Runs the command and removes the folder at the end, in a process that Ctrl-C does not reach
    and that outlives this one where need be."""
    keeper = subprocess.Popen(
        ["sh", "-c", KEEPER, str(folder), *stop],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        keeper.communicate(timeout=PATIENCE)
