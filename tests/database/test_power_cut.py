"""The power fails in the middle of writing: what was acknowledged is there, and the file is whole.

The control shows that the same cuts do lose turns when SQLite syncs less than this server asks for.
`python -m benchmarks.power_cut` tries all moments of all workloads.
"""

import random
from pathlib import Path

import pytest

from app.database import sqlite
from tests.database import power_cut, workloads
from tests.database.disk import Acknowledged, Event, Sync, Truncate
from tests.database.replay import VERSION
from tests.database.workloads import Workload

MOMENTS = 10


def some(events: list[Event], count: int = MOMENTS) -> set[int]:
    """Moments, two of three beside a sync or a promise."""
    chance = random.Random(len(events))
    points = power_cut.points(events)
    others = power_cut.between(points, chance)
    return {*chance.sample(points, count - count // 3), *chance.sample(others, count // 3)}


def test_the_library_is_one_that_is_safe_with_wal() -> None:
    assert VERSION >= (3, 51, 3)


@pytest.mark.parametrize("workload", workloads.ALL)
def test_nothing_acknowledged_is_lost(workload: Workload, tmp_path: Path) -> None:
    before, events = power_cut.happened(workload, tmp_path)
    # The log was written back and begun again meanwhile, the hardest moments.
    assert sum(isinstance(event, Truncate) for event in events) > 2
    tried = 0
    for cut in power_cut.cuts(before, events, some(events), seed=3):
        assert power_cut.losses(cut, tmp_path) == [], (cut.number, cut.variant)
        tried += 1
    assert tried == 4 * MOMENTS


def test_nor_with_the_rollback_journal_of_older_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "journal_mode", lambda _: "delete")
    before, events = power_cut.happened(workloads.second_thoughts, tmp_path)
    for cut in power_cut.cuts(before, events, some(events), seed=4):
        assert power_cut.losses(cut, tmp_path) == [], (cut.number, cut.variant)


def test_with_that_journal_the_folder_must_be_synced_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "journal_mode", lambda _: "delete")
    before, events = power_cut.happened(workloads.one_conversation, tmp_path, "synchronous=FULL")
    assert lost_after_promises(before, events, tmp_path)


def test_less_syncing_would_lose_acknowledged_turns(tmp_path: Path) -> None:
    workload = workloads.one_conversation
    _, whole = power_cut.happened(workload, tmp_path / "full")
    before, events = power_cut.happened(workload, tmp_path / "normal", "synchronous=NORMAL")
    assert syncs(events) < syncs(whole)
    assert lost_after_promises(before, events, tmp_path)


def lost_after_promises(before: bytes, events: list[Event], folder: Path) -> bool:
    """Whether a cut right after some promise, of all that is not safe, breaks it."""
    promised = [n + 1 for n, event in enumerate(events) if isinstance(event, Acknowledged)]
    return any(
        "is not as promised" in loss
        for cut in power_cut.cuts(before, events, set(promised[10:20]), seed=3)
        if cut.variant == "lost"
        for loss in power_cut.losses(cut, folder)
    )


def syncs(events: list[Event]) -> int:
    return sum(isinstance(event, Sync) for event in events)


def test_no_syncing_at_all_would_damage_the_file(tmp_path: Path) -> None:
    before, events = power_cut.happened(workloads.long_texts, tmp_path, "synchronous=OFF")
    at = set(power_cut.points(events))
    broken = [
        losses
        for cut in power_cut.cuts(before, events, at, seed=3)
        if cut.variant.startswith("torn") and (losses := power_cut.losses(cut, tmp_path))
    ]
    assert broken
