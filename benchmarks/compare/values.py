"""What a run has measured, as it is written to disk and read again; knows nothing of servers."""

import json
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.figures import save


class Value(Struct, frozen=True):
    """One measured number. `figure` names it with its unit, `case` what it was measured on and
    `at` the same as a number, to draw; values of one `round` were measured side by side."""

    scenario: str
    figure: str
    case: str
    peer: str
    round: int
    value: float
    at: float = 0.0


class Who(Struct, frozen=True):
    """A server that took part. `kin` tells which weights it ran: gguf or onnx."""

    name: str
    version: str
    kin: str
    weights: str
    settings: str
    bytes_per_token: int = 0


class Absence(Struct, frozen=True):
    """A peer that is missing, altogether or in one scenario, and why."""

    name: str
    reason: str
    scenario: str = ""


class Results(Struct):
    """Everything that a report needs."""

    model: str
    rounds: int
    peers: list[Who] = []
    absent: list[Absence] = []
    values: list[Value] = []
    seconds: dict[str, float] = {}
    read_bytes_per_second: float = 0.0
    neighbour_cores: list[float] = []

    def save(self, path: Path | None) -> None:
        save(path, msgspec.to_builtins(self))

    def of(self, scenario: str, figure: str, peer: str, case: str | None = None) -> list[Value]:
        return [
            each
            for each in self.values
            if (each.scenario, each.figure, each.peer) == (scenario, figure, peer)
            and case in (None, each.case)
        ]


def load(path: Path) -> tuple[Results, dict[str, object]]:
    """What `Results.save` has written, and the machine it was measured on."""
    saved = json.loads(path.read_text())
    return msgspec.convert(saved["figures"], Results), saved["machine"]


def by_round(values: Iterable[Value]) -> dict[int, float]:
    """The median of each round."""
    rounds: dict[int, list[float]] = {}
    for each in values:
        rounds.setdefault(each.round, []).append(each.value)
    return {number: statistics.median(found) for number, found in sorted(rounds.items())}


def ratios(ours: Iterable[Value], theirs: Iterable[Value]) -> list[float]:
    """Ours to theirs, round by round; rounds that only one side has are left out."""
    left, right = by_round(ours), by_round(theirs)
    return [left[number] / right[number] for number in left if right.get(number)]


def percentile(values: Iterable[Value], percent: int) -> float:
    """Of all values, whatever their round; a single one is its own percentile."""
    numbers = [each.value for each in values]
    if len(numbers) < 2:
        return numbers[0]
    return statistics.quantiles(numbers, n=100, method="inclusive")[percent - 1]


def cases(values: Iterable[Value]) -> Iterator[tuple[str, str]]:
    """Figure and case of each, in the order they were measured."""
    yield from dict.fromkeys((each.figure, each.case) for each in values)
