"""A run as Markdown: who took part, who is missing and why, the values side by side, targets."""

import itertools
from collections.abc import Iterator
from typing import Any

from benchmarks.compare import rates
from benchmarks.compare.peers import OURS, OURS_ONNX
from benchmarks.compare.targets import Judged, judge
from benchmarks.compare.values import Results, cases, percentile, ratios
from benchmarks.figures import Spread, table, verdict

HEADERS = ("case", "server", "median (quartiles)", "p90", "values", "ours to theirs, by round")


def report(results: Results, machine: dict[str, Any] | None = None) -> str:
    """Everything, in the order in which it was measured."""
    parts = [_head(results, machine or {}), _peers(results)]
    for scenario in dict.fromkeys(each.scenario for each in results.values):
        parts += _scenario(results, scenario)
    parts += [_roofline(results), _targets(judge(results)), _absences(results)]
    return "\n\n".join(filter(None, parts))


def _head(results: Results, machine: dict[str, Any]) -> str:
    told = [f"{results.model}; {results.rounds} rounds"]
    if machine:
        cores, memory = machine["logical_cores"], machine["memory_bytes"] / 2**30
        told.append(f"{machine['processor']}, {cores} cores, {memory:.0f} GiB")
        told.append(f"{machine['system']}, Python {machine['python']}")
    if results.neighbour_cores:
        others = Spread.of(results.neighbour_cores).text(2)
        told.append(f"other programs used {others} cores just before measurements")
    return "; ".join(told) + "."


def _peers(results: Results) -> str:
    rows = [[who.name, who.version, who.weights, who.settings] for who in results.peers]
    return "### Servers\n\n" + table(["server", "version", "weights", "settings"], rows)


def _scenario(results: Results, scenario: str) -> Iterator[str]:
    seconds = results.seconds.get(scenario)
    took = f" (took {seconds:.0f} s)" if seconds else ""
    yield f"### {scenario}{took}"
    found = [each for each in results.values if each.scenario == scenario]
    for figure in dict.fromkeys(each.figure for each in found):
        names = [case for name, case in cases(found) if name == figure]
        rows = itertools.chain.from_iterable(
            _rows(results, scenario, figure, case) for case in names
        )
        yield f"{figure[0].upper()}{figure[1:]}:\n\n{table(HEADERS, rows)}"


def _rows(results: Results, scenario: str, figure: str, case: str) -> Iterator[list[str]]:
    """A row for each server; those on ONNX weights are compared with ours on ONNX weights."""
    shown = case
    for who in results.peers:
        values = results.of(scenario, figure, who.name, case)
        if not values:
            continue
        base = OURS_ONNX if who.kin == "onnx" and who.name != OURS_ONNX else OURS
        found = ratios(results.of(scenario, figure, base, case), values)
        ratio = Spread.of(found).text(2) if found and who.name != OURS else ""
        numbers = [each.value for each in values]
        digits = 3 if max(numbers) < 10 else 1
        spread = Spread.of(numbers).text(digits)
        ninety = f"{percentile(values, 90):.{digits}f}" if len(values) >= 10 else ""
        yield [shown, who.name, spread, ninety, str(len(values)), ratio]
        shown = ""


def _roofline(results: Results) -> str:
    """One stream's decoding against what memory allows."""
    rows = []
    for who, limit, rate in roofs(results):
        megabytes = f"{who.bytes_per_token / 1e6:.0f}"
        rows.append(
            [who.name, megabytes, f"{limit:.0f}", f"{rate:.0f}", f"{100 * rate / limit:.0f} %"]
        )
    if not rows:
        return ""
    headers = ["server", "MB a token", "most, tokens/s", "reached, 1 stream", "of it"]
    read = f"{results.read_bytes_per_second / 1e9:.1f} GB/s"
    return f"### Roofline\n\nMemory is read at {read}.\n\n{table(headers, rows)}"


def roofs(results: Results) -> Iterator[tuple[Any, float, float]]:
    """Server, most tokens a second, and those that it reached."""
    for who in results.peers:
        decoded = results.of("streams", rates.DECODE, who.name)
        if who.bytes_per_token and results.read_bytes_per_second and decoded:
            limit = results.read_bytes_per_second / who.bytes_per_token
            yield who, limit, percentile(decoded, 50)


def _targets(judged: list[Judged]) -> str:
    rows = [
        [each.scenario, each.peer, each.promise, f"{each.value:.4g}",
         f"{'<=' if each.most else '>='} {each.bound:g}", verdict(each.met)]
        for each in judged
    ]  # fmt: skip
    headers = ["scenario", "server", "promise", "measured", "target", "verdict"]
    return "### Targets\n\n" + table(headers, rows) if rows else ""


def _absences(results: Results) -> str:
    if not results.absent:
        return "Nobody is missing."
    rows = [[each.name, each.scenario or "everywhere", each.reason] for each in results.absent]
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "### Missing\n\n" + table(["server", "where", "why"], rows)
