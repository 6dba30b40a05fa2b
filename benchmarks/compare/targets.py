"""What a run is held to, and whether it is so: one line for each promise that was measured."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.compare import rates, turns, web
from benchmarks.compare.peers import ALL_OURS, LLAMA, PYTHON
from benchmarks.compare.values import Results, Value, cases, percentile, ratios

SOONER, OF_HOT, THAN_PYTHON, START, MEMORY = 20.0, 2.0, 5.0, 1.2, 450.0
HEALTH, SHARE = 2000.0, 3.0
# By the beginning of the model's name: at 8 streams, the faster of ours to llama-server.
EIGHT_STREAMS: Final = {"qwen2.5": 1.5, "smollm2": 1.4}
MEMORY_MODEL: Final = "smollm2"


@dataclass(frozen=True)
class Judged:
    """A promise and what came of it. `most` tells whether the bound is an upper one."""

    scenario: str
    promise: str
    peer: str
    value: float
    bound: float
    most: bool = False

    @property
    def met(self) -> bool:
        return self.value <= self.bound if self.most else self.value >= self.bound


def judge(results: Results) -> list[Judged]:
    """Every promise for which there are values."""
    found: list[Judged] = []
    for ours in ALL_OURS:
        for promises in (_restart, _taking_turns, _start, _web):
            found += promises(results, ours)
    return [*found, *_streams(results)]


def _restart(results: Results, ours: str) -> Iterator[Judged]:
    again = results.of("restart", turns.RESTARTED, ours)
    theirs = results.of("restart", turns.RESTARTED, LLAMA)
    if found := ratios(theirs, again):
        told = "times sooner than llama-server started anew"
        yield Judged("restart", told, ours, statistics.median(found), SOONER)
    if found := ratios(again, results.of("restart", turns.HOT, ours)):
        told = "times the hot case"
        yield Judged("restart", told, ours, statistics.median(found), OF_HOT, most=True)


def _taking_turns(results: Results, ours: str) -> Iterator[Judged]:
    def all_of(peer: str) -> list[Value]:
        return results.of("taking_turns", turns.FIRST_TOKEN, peer)

    mine, python, llama = all_of(ours), all_of(PYTHON), all_of(LLAMA)
    if mine and python:
        value = percentile(python, 50) / percentile(mine, 50)
        yield Judged("taking_turns", f"times sooner than {PYTHON}", ours, value, THAN_PYTHON)
    for percent, name in ((50, "median"), (90, "90th percentile")):
        if mine and llama:
            value = percentile(mine, percent) / percentile(llama, percent)
            told = f"{name} to that of llama-server with its memory cache"
            yield Judged("taking_turns", told, ours, value, 1.0, most=True)


def _start(results: Results, ours: str) -> Iterator[Judged]:
    ready = [results.of("start", rates.READY, peer) for peer in (ours, LLAMA)]
    if found := ratios(*ready):
        told = "llama-server's time until ready"
        yield Judged("start", told, ours, statistics.median(found), START, most=True)
    held = results.of("start", rates.MEMORY, ours)
    if held and results.model.startswith(MEMORY_MODEL):
        yield Judged("start", "MB of memory", ours, percentile(held, 50), MEMORY, most=True)


def _web(results: Results, ours: str) -> Iterator[Judged]:
    if rate := results.of("web", web.HEALTH, ours):
        yield Judged("web", "requests/s of /health a core", ours, percentile(rate, 50), HEALTH)
    if share := results.of("web", web.SHARE, ours):
        told = "% of tokens/s at 8 streams"
        yield Judged("web", told, ours, percentile(share, 50), SHARE, most=True)


def _streams(results: Results) -> Iterator[Judged]:
    """In each language, where eight streams were measured."""
    bound = _by_name(EIGHT_STREAMS, results.model)
    theirs = [each for each in results.of("streams", rates.RATE, LLAMA) if each.at == 8]
    for figure, case in cases(theirs):
        against = results.of("streams", figure, LLAMA, case)
        compared = {
            ours: statistics.median(found)
            for ours in ALL_OURS
            if (found := ratios(results.of("streams", figure, ours, case), against))
        }
        if compared and bound:
            best = max(compared, key=lambda ours: compared[ours])
            told = f"times llama-server's tokens/s ({case})"
            yield Judged("streams", told, best, compared[best], bound)


def _by_name(bounds: dict[str, float], model: str) -> float | None:
    return next((bound for name, bound in bounds.items() if model.startswith(name)), None)
