"""What a comparison says of the values that it has: ratios, tables, verdicts, who is missing."""

import json
from pathlib import Path

import pytest

from benchmarks.compare import __main__ as program
from benchmarks.compare import plots, rates, turns, web
from benchmarks.compare.peers import GENAI, LLAMA, OURS, OURS_ONNX, PYTHON
from benchmarks.compare.report import report
from benchmarks.compare.targets import judge
from benchmarks.compare.values import Absence, Results, Value, load, percentile, ratios
from tests.benchmarks.compare_support import results, values


def one(peer: str, number: int, value: float) -> Value:
    return Value("s", "f", "c", peer, number, value)


def test_ratios_are_of_the_same_round() -> None:
    ours = [one("a", 0, 1.0), one("a", 0, 3.0), one("a", 1, 8.0), one("a", 2, 5.0)]
    theirs = [one("b", 1, 2.0), one("b", 0, 4.0)]
    assert ratios(ours, theirs) == [2.0 / 4.0, 8.0 / 2.0]


def test_a_percentile_is_of_all_rounds() -> None:
    found = [one("a", number % 2, float(number)) for number in range(101)]
    assert percentile(found, 90) == pytest.approx(90.0)
    assert percentile(found[:1], 90) == 0.0


def rows(text: str, name: str) -> list[list[str]]:
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    return [row for row in cells if name in row]


def test_each_is_compared_with_ours_on_its_own_weights() -> None:
    run = results()
    for peer, number in ((OURS, 2.0), (OURS_ONNX, 3.0), (LLAMA, 1.0), (GENAI, 6.0)):
        run.values += values("streams", rates.RATE, peer, [number] * 3)
    text = report(run)
    compared = {name: rows(text, name)[1][-1] for name in (OURS, OURS_ONNX, LLAMA, GENAI)}
    assert compared[OURS] == ""
    assert compared[LLAMA].startswith("2.00 ")
    assert compared[GENAI].startswith("0.50 ")
    assert compared[OURS_ONNX].startswith("0.67 ")


def test_who_is_missing_is_named_with_the_reason() -> None:
    run = results(OURS)
    run.absent = [Absence(PYTHON, "no compiler"), Absence(LLAMA, "it died", "streams")]
    text = report(run)
    assert rows(text, PYTHON) == [[PYTHON, "everywhere", "no compiler"]]
    assert rows(text, LLAMA) == [[LLAMA, "streams", "it died"]]
    assert "Nobody is missing" in report(results(OURS))


# Promise of which scenario: our values and theirs that just keep it, then ours that just miss it.
PROMISES = {
    "sooner": ("restart", turns.RESTARTED, LLAMA, [0.1], [2.0], [0.11]),
    "median": ("taking_turns", turns.FIRST_TOKEN, LLAMA, [0.1, 0.1], [0.1, 0.1], [0.11, 0.11]),
    "python": ("taking_turns", turns.FIRST_TOKEN, PYTHON, [0.1], [0.5], [0.11]),
    "streams": ("streams", rates.RATE, LLAMA, [140.0], [100.0], [139.0]),
    "ready": ("start", rates.READY, LLAMA, [1.2], [1.0], [1.3]),
    "memory": ("start", rates.MEMORY, LLAMA, [450.0], [1.0], [451.0]),
    "health": ("web", web.HEALTH, LLAMA, [2000.0], [], [1999.0]),
    "share": ("web", web.SHARE, LLAMA, [3.0], [], [3.1]),
}


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_is_met_at_its_bound_and_missed_beyond(promise: str) -> None:
    scenario, figure, peer, met, theirs, missed = PROMISES[promise]
    for ours, expected in ((met, True), (missed, False)):
        run = results()
        run.values += values(scenario, figure, OURS, ours)
        run.values += values(scenario, figure, peer, theirs)
        judged = judge(run)
        assert judged
        assert [each.met for each in judged] == [expected] * len(judged)
        assert ("MISSED" in report(run)) is not expected


def test_the_late_turns_are_judged_too() -> None:
    run = results()
    run.values += values("taking_turns", turns.FIRST_TOKEN, OURS, [0.1] * 8 + [9.0] * 2)
    run.values += values("taking_turns", turns.FIRST_TOKEN, LLAMA, [0.2] * 10)
    assert [each.met for each in judge(run)] == [True, False]


def test_the_hot_case_is_the_measure_of_a_restart() -> None:
    run = results()
    run.values += values("restart", turns.RESTARTED, OURS, [0.3])
    run.values += values("restart", turns.HOT, OURS, [0.1])
    [judged] = judge(run)
    assert judged.value == pytest.approx(3.0)
    assert not judged.met


def test_the_faster_of_ours_is_judged_at_eight_streams() -> None:
    run = results()
    for peer, rate in ((OURS, 90.0), (OURS_ONNX, 150.0), (LLAMA, 100.0)):
        run.values += values("streams", rates.RATE, peer, [rate])
    [judged] = judge(run)
    assert (judged.peer, judged.met) == (OURS_ONNX, True)


def test_the_roofline_is_bandwidth_over_bytes() -> None:
    run = results(OURS)
    run.values += values("streams", rates.DECODE, OURS, [50.0])
    assert rows(report(run), OURS)[-1] == [OURS, "100", "200", "50", "25 %"]


def test_a_saved_run_is_printed_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = results(OURS, LLAMA)
    run.values += values("start", rates.READY, OURS, [1.5])
    run.values += values("start", rates.READY, LLAMA, [1.0])
    file = tmp_path / "results.json"
    run.save(file)
    assert load(file)[0] == run
    assert json.loads(file.read_text())["machine"]["logical_cores"] >= 1
    assert program.main(["--report", str(file)]) == 1
    assert "MISSED" in capsys.readouterr().out


def filled() -> Results:
    run = results(OURS, LLAMA)
    for at in (100, 200):
        run.values += values("next_turn", turns.FIRST_TOKEN, OURS, [0.1, 0.2], at)
    run.values += values("streams", rates.RATE, LLAMA, [10.0])
    run.values += values("streams", rates.DECODE, LLAMA, [10.0])
    return run


def test_three_pictures_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    drawn = plots.draw(filled(), tmp_path / "new")
    assert [path.name for path in drawn] == ["first-token.png", "streams.png", "roofline.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert plots.draw(results(OURS), tmp_path) == []
