"""Starting on a database: made once, brought up to date, refused when it is not to be used."""

import asyncio
import hashlib
import multiprocessing
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from app.database import (
    Database,
    DatabaseUnusable,
    conversations,
    deletion,
    open_database,
    sqlite,
)
from app.database.records import ConversationQuery, NewConversation
from tests.database import capabilities


async def titles(url: str | None, folder: Path, new: str) -> set[str]:
    """Add a conversation called `new`; what is there then."""
    database = await open_database(url, folder)
    try:
        await conversations.create(database, "local", NewConversation(new))
        page = await conversations.find(database, "local", ConversationQuery(page_size=100))
    finally:
        await database.close()
    return {item.title for item in page.items}


def starting(url: str, folder: Path, new: str) -> None:
    asyncio.run(titles(url, folder, new))


async def test_several_workers_start_at_once(url: str, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=starting, args=(url, tmp_path, str(n))) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        await asyncio.to_thread(worker.join, 60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert await titles(url, tmp_path, "last") == {"0", "1", "2", "3", "last"}


async def test_a_newer_schema_is_refused(url: str, tmp_path: Path) -> None:
    database = await open_database(url, tmp_path)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    before = hashes(tmp_path / "data")
    with pytest.raises(DatabaseUnusable, match="newer version"):
        await open_database(url, tmp_path)
    assert hashes(tmp_path / "data") == before


async def test_the_default_is_a_private_file_in_data_dir(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    database = await open_database(None, folder)
    await database.close()
    assert stat.S_IMODE((folder / "sllm.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite:///:memory:", "sqlite://"])
async def test_a_url_that_cannot_be_used_says_what_can(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=r"sqlite:///file or postgresql\+asyncpg"):
        await open_database(url, tmp_path)


async def test_a_server_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="PostgreSQL at DATABASE_URL") as refusal:
        await open_database("postgresql://user:secret@127.0.0.1:1/x", tmp_path)
    assert "secret" not in str(refusal.value)


def hashes(folder: Path) -> dict[str, str]:
    """Of what is in the folder, but for the lock, which stays, and folders."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def zeroed(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))


def halved(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // 4096 * 4096)


def scribbled(path: Path) -> None:
    with path.open("r+b") as file:
        for page in range(1, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 64)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def missing_with_journal(path: Path) -> None:
    path.rename(path.with_name("sllm.db-wal"))


def somebody_else_s(path: Path) -> None:
    with closing(sqlite.connect(path)) as connection:
        connection.execute("PRAGMA application_id=1")


def a_text_file(path: Path) -> None:
    path.write_text("Shopping list: milk, eggs, bread, and nothing that is a database.\n" * 9)


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 4097)


def an_endless_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    "harm",
    [
        emptied,
        zeroed,
        halved,
        scribbled,
        a_folder,
        missing_with_journal,
        somebody_else_s,
        a_text_file,
        cut_short,
        an_endless_link,
    ],
)
async def test_a_damaged_file_is_refused_and_left_alone(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "sllm.db"
    await titles(None, tmp_path, "precious")
    harm(path)
    before = hashes(tmp_path)
    with pytest.raises(DatabaseUnusable, match=r"sllm\.db"):
        await open_database(None, tmp_path)
    assert hashes(tmp_path) == before


@pytest.fixture
def bound_by_modes(tmp_path: Path) -> Iterator[Path]:
    """A folder, while files' modes count for root, too."""
    before = capabilities.effective()
    capabilities.set_effective(before & ~capabilities.OVERRIDE)
    try:
        yield tmp_path
    finally:
        capabilities.set_effective(before)


async def test_a_file_that_may_not_be_written_is_refused(bound_by_modes: Path) -> None:
    await titles(None, bound_by_modes, "precious")
    path = bound_by_modes / "sllm.db"
    before = hashes(bound_by_modes)
    for mode in (0, 0o400):
        path.chmod(mode)
        with pytest.raises(DatabaseUnusable, match=r"sllm\.db: Permission denied"):
            await open_database(None, bound_by_modes)
    path.chmod(0o600)
    assert hashes(bound_by_modes) == before
    assert await titles(None, bound_by_modes, "new") == {"precious", "new"}


@pytest.mark.parametrize("log", [b"", b"not a log" * 1000])
async def test_a_log_without_commits_changes_nothing(log: bytes, tmp_path: Path) -> None:
    await titles(None, tmp_path, "precious")
    (tmp_path / "sllm.db-wal").write_bytes(log)
    assert await titles(None, tmp_path, "new") == {"precious", "new"}


async def test_a_creation_that_was_cut_off_starts_over(tmp_path: Path) -> None:
    (tmp_path / "sllm.db.new").write_bytes(b"half")
    (tmp_path / "sllm.db.new-journal").write_bytes(b"half")
    assert await titles(None, tmp_path, "x") == {"x"}


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 42, 0), "delete"),
        ((3, 44, 5), "delete"),
        ((3, 44, 6), "wal"),
        ((3, 45, 0), "delete"),
        ((3, 50, 6), "delete"),
        ((3, 50, 7), "wal"),
        ((3, 51, 2), "delete"),
        ((3, 51, 3), "wal"),
        ((3, 54, 1), "wal"),
    ],
)
def test_wal_is_used_where_it_loses_nothing(version: tuple[int, int, int], mode: str) -> None:
    assert sqlite.journal_mode(version) == mode


def test_a_library_that_is_too_old_is_refused() -> None:
    with pytest.raises(DatabaseUnusable, match=r"SQLite 3\.40\.1 is too old"):
        sqlite.check_version((3, 40, 1))


async def test_every_connection_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    database = await open_database(None, tmp_path)
    expected = {"synchronous": 3, "foreign_keys": 1, "secure_delete": 1}
    async with database.read() as connection:
        found = {
            pragma: (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one()
            for pragma in expected
        }
        mode = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one()
    await database.close()
    assert found == expected
    assert mode == sqlite.journal_mode(sqlite.driver().sqlite_version_info)


async def test_the_safe_mode_of_older_libraries_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await titles(None, tmp_path, "written with WAL")
    monkeypatch.setattr(sqlite, "journal_mode", lambda _: "delete")
    assert await titles(None, tmp_path, "new") == {"written with WAL", "new"}


async def test_deleted_words_are_gone_from_the_file(tmp_path: Path) -> None:
    database = await open_database(None, tmp_path)
    made = await conversations.create(database, "local", NewConversation("Xylophonquartett"))
    await conversations.create(database, "local", NewConversation("stays"))
    assert b"Xylophonquartett" in everything(tmp_path)
    await deletion.remove(database, "local", made.id)
    assert b"Xylophonquartett" not in everything(tmp_path)
    await database.close()
    assert b"Xylophonquartett" not in everything(tmp_path)
    with closing(sqlite.connect(tmp_path / "sllm.db")) as connection:
        connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")
        connection.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, search, row)")
        terms = [term for (term,) in connection.execute("SELECT term FROM temp.terms")]
    assert any(term.endswith("st") for term in terms)
    assert not any(term.endswith("xy") for term in terms)


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_the_pool_survives_cancelled_requests(database: Database) -> None:
    async def request(n: int) -> None:
        await conversations.create(database, "local", NewConversation(str(n)))

    tasks = [asyncio.create_task(request(n)) for n in range(100)]
    for n, task in enumerate(tasks):
        if n % 3:
            task.cancel()
        else:
            await task
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(request(n) for n in range(20)))
    page = await conversations.find(database, "local", ConversationQuery())
    assert page.total >= 54
