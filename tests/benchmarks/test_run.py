"""Every benchmark runs, once and small, on the stand-in engine; nothing here looks at speed."""

import argparse
import json
from pathlib import Path

import pytest

from app.weights import ModelSpec
from benchmarks import busy, engine_death, faults, figures, leavers, openmp, overhead, workers
from benchmarks.processes import engines
from benchmarks.sampling import sample
from benchmarks.servers import our_server

MODEL = "scripted"


def test_one_sample_counts_what_was_answered(tmp_path: Path) -> None:
    with our_server(MODEL, tmp_path) as server:
        taken = sample(server, ["A1", "B1", "C1"], 5)
    assert taken.completion_tokens == 15
    assert taken.cached_tokens == 0
    assert taken.tokens_per_second > 0
    assert taken.first_token_ms > 0


def test_rounds_pair_the_contenders_and_make_a_table(tmp_path: Path) -> None:
    options = argparse.Namespace(rounds=1, streams=[2], max_tokens=4, patience=0)
    with our_server(MODEL, tmp_path) as server:
        other = type(server)("other", server.pid, server.port, server.dialect)
        rounds = overhead.measure([server, other], options)
    assert [set(outcome) for outcome in rounds[2]] == [{"ours", "other"}]
    assert "ours to theirs" in overhead.report(MODEL, rounds)


def test_every_load_is_met_by_both_and_judged(tmp_path: Path) -> None:
    small = "--rounds 1 --busy 0,1 --streams 1 --max-tokens 8 --settle 0 --long 0 --patience 0"
    options = busy._parser().parse_args(small.split())
    with our_server(MODEL, tmp_path) as server:
        other = type(server)(busy.THEIRS, server.pid, server.port, server.dialect)
        text = busy.report(busy.measure([server, other], options, tmp_path))
    assert text.count("decode, ") == 2
    assert all("met" in row or "MISSED" in row for row in text.splitlines()[2:])


def test_the_machine_has_one_engine_however_many_workers() -> None:
    memory = workers.measure(MODEL, 2)
    assert memory.engines == 1
    assert len(memory.answered) == 2
    assert 0 < memory.engine_bytes < memory.total_bytes


def test_a_killed_engine_ends_every_stream_and_comes_back() -> None:
    death = engine_death.measure(MODEL, 3)
    assert death.codes == ["engine_died"] * 3
    assert death.unhealthy < death.healthy
    assert any("engine_died" in row[1] for row in faults.death_rows([death]))


def test_clients_that_leave_leave_nothing_behind() -> None:
    leaving = leavers.measure(MODEL, clients=12, at_once=6)
    assert sum(leaving.left.values()) == 12
    assert leaving.clean
    assert not any("MISSED" in cell for row in faults.leaving_rows(leaving) for cell in row)


def test_the_blocktime_reaches_the_engine_of_its_server(tmp_path: Path) -> None:
    with our_server(MODEL, tmp_path, KMP_BLOCKTIME="7") as server:
        (engine,) = engines(server.pid)
        assert engine.environ()["KMP_BLOCKTIME"] == "7"


def test_every_blocktime_has_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--rounds", "1", "--streams", "1", "--max-tokens", "3", "--patience", "0"]
    assert openmp.main(["--model", MODEL, "--blocktimes", "0,20", *small]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split("|")[1].strip() for row in rows[2:4]] == ["0", "20"]


def test_raw_figures_are_saved_with_their_machine(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    figures.save(file, {"1": [2.5]})
    saved = json.loads(file.read_text())
    assert saved["figures"] == {"1": [2.5]}
    assert saved["machine"]["logical_cores"] >= 1


def test_spread_and_table() -> None:
    assert figures.Spread.of([4.0, 1.0, 2.0]) == figures.Spread(2.0, 1.0, 4.0, 3)
    assert figures.table(["a"], [["bc"]]).splitlines() == ["| a  |", "|----|", "| bc |"]


@pytest.mark.weights
def test_both_servers_see_the_same_prompts(embedded: ModelSpec) -> None:
    """The comparison is one: same prompt tokens, same options, hence the same greedy answer's
    length."""
    with overhead.contenders(embedded.path) as running:
        taken = [sample(contender, ["Q7"], 6) for contender in running]
    assert len(taken) >= 2
    assert len({(one.prompt_tokens, one.completion_tokens) for one in taken}) == 1
    assert all(one.cached_tokens < one.prompt_tokens / 2 for one in taken)
