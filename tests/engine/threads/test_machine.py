"""What is read of /proc/stat."""

import os
from pathlib import Path

import pytest

from app.engine.threads.machine import NICED_WEIGHT, Look, Machine


class Stat:
    """A file like /proc/stat, with seconds of each kind for each core that is allowed."""

    def __init__(self, folder: Path, cores: set[int] | None = None) -> None:
        self.path = folder / "stat"
        self._cores = os.sched_getaffinity(0) if cores is None else cores
        self.write()

    def write(self, user: float = 0, nice: float = 0, idle: float = 0) -> None:
        ticks = os.sysconf("SC_CLK_TCK")
        fields = [round(seconds * ticks) for seconds in (user, nice, 0, idle, 0, 0, 0, 0, 0, 0)]
        lines = [f"cpu{core} {' '.join(map(str, fields))}" for core in sorted(self._cores)]
        self.path.write_text("\n".join(["cpu  1 2 3 4 5 6 7 8 9 10", *lines, "intr 1 2 3"]))


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests themselves may run niced."""
    monkeypatch.setattr(os, "getpriority", lambda which, who: 0)


def looked(stat: Stat, **seconds: float) -> Look:
    machine = Machine(stat.path)
    stat.write(**seconds)
    look = machine.look()
    assert look is not None
    return look


@pytest.mark.usefixtures("usual")
def test_niced_programs_count_by_their_weight(tmp_path: Path) -> None:
    niced = looked(Stat(tmp_path), nice=1000, idle=1000)
    equal = looked(Stat(tmp_path), user=1000, idle=1000)
    assert niced.foreign / niced.idle == pytest.approx(NICED_WEIGHT, rel=0.1)
    assert equal.foreign / equal.idle == pytest.approx(1, rel=0.1)


def test_what_nobody_uses_is_idle(tmp_path: Path) -> None:
    look = looked(Stat(tmp_path), idle=1e6)
    assert look.idle > look.foreign
    assert look.cores == len(os.sched_getaffinity(0))


def test_nothing_is_said_where_cores_are_missing(tmp_path: Path) -> None:
    stat = Stat(tmp_path, cores={max(os.sched_getaffinity(0)) + 1})
    machine = Machine(stat.path)
    stat.write(user=5)
    assert machine.look() is None


def test_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Machine(tmp_path / "none")
