"""Kept caches: found by their tokens, checked before use, under a budget, gone when asked."""

from pathlib import Path

import pytest

from app.engine.kv import entries
from app.engine.kv.store import LOCK, Store
from app.engine.kv_folder import entry_name, forget

ROWS = b"rows of a cache" * 100


def kept(store: Store, tokens: tuple[int, ...], owner: str = "a", conversation: str = "c") -> str:
    name = entry_name(owner, conversation)
    store.writing(name).write_bytes(ROWS)
    store.add(entries.commit(store.folder, name, owner, tokens))
    return name


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != LOCK)


def test_the_longest_beginning_of_the_same_owner_is_found(tmp_path: Path) -> None:
    store = Store(tmp_path, 1 << 20, reserve=0)
    kept(store, (1, 2, 3), conversation="short")
    kept(store, (1, 2, 3, 4, 5), conversation="long")
    kept(store, (1, 2, 3, 4, 5, 6), owner="b")
    found = store.find("a", [1, 2, 3, 4, 5, 6, 7])
    assert found is not None
    assert (found.entry.name, found.shared) == (entry_name("a", "long"), 5)
    assert store.find("c", [1, 2, 3]) is None


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    image = -(1 << 110)
    store = Store(tmp_path, 1 << 20, reserve=0)
    kept(store, (1, image, 3))
    store.close()
    again = Store(tmp_path, 1 << 20, reserve=0)
    found = again.find("a", [1, image, 3, 4])
    assert found is not None
    assert found.shared == 3
    assert entries.is_whole(tmp_path, found.entry)
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())


def test_a_rotten_or_cut_file_is_not_whole(tmp_path: Path) -> None:
    store = Store(tmp_path, 1 << 20, reserve=0)
    name = kept(store, (1, 2))
    entry = store.get(name)
    assert entry is not None
    path = store.reading(entry)
    path.write_bytes(ROWS[:-1] + b"?")
    assert not entries.is_whole(tmp_path, entry)
    path.write_bytes(ROWS[:-1])
    assert not entries.is_whole(tmp_path, entry)
    path.unlink()
    assert not entries.is_whole(tmp_path, entry)


def test_rows_are_read_once_to_see_that_they_are_whole_unless_they_change(tmp_path: Path) -> None:
    store = Store(tmp_path, 1 << 20, reserve=0)
    name = kept(store, (1, 2))
    entry = store.get(name)
    assert entry is not None
    assert store.seen_whole(entry)
    store.close()
    again = Store(tmp_path, 1 << 20, reserve=0)
    assert not again.seen_whole(entry)
    assert again.is_whole(entry)
    assert again.seen_whole(entry)
    again.reading(entry).write_bytes(ROWS[:-1] + b"?")
    assert not again.seen_whole(entry)
    assert not again.is_whole(entry)
    again.reading(entry).unlink()
    assert not again.seen_whole(entry)


def test_what_an_end_in_the_middle_has_left_goes(tmp_path: Path) -> None:
    store = Store(tmp_path, 1 << 20, reserve=0)
    name = kept(store, (1, 2))
    store.writing(entry_name("a", "half")).write_bytes(ROWS)
    (tmp_path / "no-description.kv").write_bytes(ROWS)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / f"{entry_name('a', 'other')}.json").write_text('{"format": 0}')
    store.close()
    again = Store(tmp_path, 1 << 20, reserve=0)
    assert again.get(name) is not None
    assert files(tmp_path) == [f"{name}.json", f"{name}.kv"]


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    store = Store(tmp_path, 2 * len(ROWS), reserve=0)
    first, second = (kept(store, (1, n), conversation=str(n)) for n in (1, 2))
    entry = store.get(first)
    assert entry is not None
    store.used(entry)
    third = kept(store, (1, 3), conversation="3")
    assert [store.get(name) is not None for name in (first, second, third)] == [True, False, True]
    store.close()
    again = Store(tmp_path, 2 * len(ROWS), reserve=0)
    assert [again.get(name) is not None for name in (first, second, third)] == [True, False, True]


def test_a_full_disk_keeps_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path, 1 << 30, reserve=1 << 62)
    kept(store, (1, 2))
    assert store.find("a", [1, 2]) is None
    assert files(tmp_path) == []


def test_forgotten_by_conversation_and_by_owner(tmp_path: Path) -> None:
    store = Store(tmp_path, 1 << 20, reserve=0)
    name = kept(store, (1, 2), conversation="one")
    kept(store, (1, 2), conversation="two")
    other = kept(store, (1, 2), owner="b")
    store.forget("a", name)
    assert store.get(name) is None
    store.forget("a", None)
    assert files(tmp_path) == [f"{other}.json", f"{other}.kv"]


def test_files_of_other_weights_are_forgotten_without_an_engine(tmp_path: Path) -> None:
    for weights in ("first", "second"):
        store = Store(tmp_path / weights, 1 << 20, reserve=0)
        kept(store, (1, 2), conversation="one")
        kept(store, (1, 2), conversation="two")
    forget(tmp_path, "a", "one")
    two = entry_name("a", "two")
    assert files(tmp_path) == sorted([f"{two}.json", f"{two}.kv"] * 2)
    forget(tmp_path, "a", None)
    assert files(tmp_path) == []


def test_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.engine.kv.store.PATIENCE_SECONDS", 0.1)
    first = Store(tmp_path, 1 << 20, reserve=0)
    with pytest.raises(OSError, match="another server"):
        Store(tmp_path, 1 << 20, reserve=0)
    first.close()
    Store(tmp_path, 1 << 20, reserve=0)
