"""A process is killed in the middle of a migration: the next start does it, nothing is lost."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from app.database import Database, conversations, migrate, open_database
from app.database.records import ConversationQuery, NewConversation
from tests.database import postgresql
from tests.support import PATIENCE, ROOT

NEXT = '''"""A step that a later version might take."""

from alembic import op

revision = "9999"
down_revision = "NEWEST"


def upgrade() -> None:
    op.execute("CREATE TABLE notes (conversation BIGINT NOT NULL, note TEXT NOT NULL)")
    op.execute("ALTER TABLE conversations ADD COLUMN colour TEXT")
    op.execute("UPDATE conversations SET colour = 'blue'")
    op.execute("INSERT INTO notes SELECT number, title FROM conversations")
    op.execute("CREATE INDEX notes_conversation ON notes (conversation)")
    op.execute("DROP INDEX conversations_created")
'''
KILLED = -9
TITLES = {"first", "second"}


def started(url: str, folder: Path, scripts: Path, step: int) -> subprocess.CompletedProcess[str]:
    # -B: bytecode that is written once must not count as a step of the first run alone.
    command = [sys.executable, "-B", "-m", "tests.database.starter"]
    return subprocess.run(
        [*command, url, str(folder), str(scripts), str(step)],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The migrations with one more."""
    scripts = tmp_path / "migrations"
    shutil.copytree(migrate.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    newest = max(path.name[:4] for path in (scripts / "versions").glob("0*.py"))
    (scripts / "versions" / "9999_next.py").write_text(NEXT.replace("NEWEST", newest))
    return scripts


class Copies:
    """Any number of databases with the same content, of the older schema."""

    def __init__(self, url: str, tmp_path: Path, server: postgresql.Postgresql | None) -> None:
        self._original, self._folder, self._server = url, tmp_path, server
        self._made = 0

    def another(self) -> str:
        self._made += 1
        if self._server is not None:
            copy = f"{self._original}_{self._made}"
            names = [url.rpartition("/")[2] for url in (copy, self._original)]
            self._server.psql("CREATE DATABASE {} TEMPLATE {}".format(*names))
            return copy
        folder = self._folder / f"copy{self._made}"
        shutil.copytree(self._folder / "data", folder)
        return f"sqlite:///{folder}/sllm.db"


@pytest.fixture
async def copies(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Copies:
    database = await open_database(url, tmp_path)
    for title in TITLES:
        await conversations.create(database, "local", NewConversation(title))
    await database.close()
    on_server = database.kind == "postgresql"
    server = request.getfixturevalue("postgresql_server") if on_server else None
    return Copies(url, tmp_path, server)


async def titles(database: Database) -> set[str]:
    page = await conversations.find(database, "local", ConversationQuery())
    return {item.title for item in page.items}


async def test_a_follow_up(
    copies: Copies, newer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = started(copies.another(), tmp_path, newer, 0)
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stdout)
    assert steps > 10
    monkeypatch.setattr(migrate, "SCRIPTS", newer)
    for step in range(1, steps + 1, 2):
        url = copies.another()
        assert started(url, tmp_path, newer, step).returncode == KILLED
        database = await open_database(url, tmp_path)
        try:
            assert await titles(database) == TITLES
            await check_the_new_schema(database)
        finally:
            await database.close()


async def check_the_new_schema(database: Database) -> None:
    async with database.read() as connection:

        async def rows(statement: str) -> list[str]:
            return list((await connection.execute(text(statement))).scalars().all())

        assert await rows("SELECT version_num FROM alembic_version") == ["9999"]
        assert await rows("SELECT colour FROM conversations") == ["blue"] * 2
        assert set(await rows("SELECT note FROM notes")) == TITLES


async def test_the_first(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    def fresh(n: int) -> str:
        if url.startswith("sqlite"):
            return f"sqlite:///{tmp_path}/{n}/sllm.db"
        server: postgresql.Postgresql = request.getfixturevalue("postgresql_server")
        return server.fresh()

    steps = int(started(fresh(0), tmp_path, migrate.SCRIPTS, 0).stdout)
    assert steps > 20
    for step in range(1, steps, 5):
        again = fresh(step)
        assert started(again, tmp_path, migrate.SCRIPTS, step).returncode == KILLED
        database = await open_database(again, tmp_path)
        try:
            await conversations.create(database, "local", NewConversation("works"))
            assert await titles(database) == {"works"}
        finally:
            await database.close()
