"""The database's benchmarks run, once and small; nothing here looks at speed."""

import argparse
from pathlib import Path

import pytest

from app.database import open_database
from benchmarks import conversations, power_cut
from tests.database import workloads


async def test_the_figures_of_a_small_store(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = argparse.Namespace(conversations=12, messages=48, times=2, patience=0)
    await conversations.run(url, options)
    lines = capsys.readouterr().out.splitlines()
    names = [line[:42].strip() for line in lines[3:]]
    assert {"list, first page", "get", "append a turn (two transactions)"} <= set(names)
    assert all(float(figure) >= 0 for line in lines[3:] for figure in line[42:].split())


async def test_a_store_that_is_there_is_taken_again(url: str) -> None:
    options = argparse.Namespace(conversations=5, messages=10)
    for _ in range(2):
        database = await open_database(url, Path())
        store = await conversations.filled(database, options)
        await database.close()
        assert len(store.ids) == 5


def test_the_power_cuts_are_counted() -> None:
    name, syncs, moments, cuts, losing = power_cut.tried(workloads.one_conversation, [], 40)
    assert (name, losing) == ("one_conversation", "0")
    assert int(syncs) > 20
    assert int(cuts) == 4 * int(moments) > 0
