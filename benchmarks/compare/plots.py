"""A run as pictures: first token against history length, tokens/s against streams, the roofline."""

from pathlib import Path
from typing import Any

from benchmarks.compare import rates, turns
from benchmarks.compare.report import roofs
from benchmarks.compare.values import Results, Value, by_round
from benchmarks.figures import Spread


def draw(results: Results, folder: Path) -> list[Path]:
    """The pictures for which there are values; needs matplotlib (group `dev`)."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, make in (
        ("first-token", _first_token), ("streams", _streams), ("roofline", _roofline),
    ):  # fmt: skip
        figure = make(results)
        if figure is not None:
            path = folder / f"{name}.png"
            figure.savefig(path, dpi=120, bbox_inches="tight")
            drawn.append(path)
    return drawn


def _blank(title: str, across: str, up: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2))
    axes = figure.subplots()
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(alpha=0.3)
    return figure, axes


def _line(axes: Any, values: list[Value], label: str) -> None:
    """Medians by `at`, with the quartiles of the rounds."""
    places = sorted({each.at for each in values})
    spreads = [
        Spread.of(by_round(each for each in values if each.at == at).values()) for at in places
    ]
    middle = [spread.median for spread in spreads]
    below = [spread.median - spread.low for spread in spreads]
    above = [spread.high - spread.median for spread in spreads]
    axes.errorbar(places, middle, yerr=[below, above], marker="o", capsize=3, label=label)


def _first_token(results: Results) -> Any:
    figure, axes = _blank(
        f"First token of the next turn, {results.model}", "history, tokens", "seconds"
    )
    for who in results.peers:
        if values := results.of("next_turn", turns.FIRST_TOKEN, who.name):
            _line(axes, values, who.name)
        if values := results.of("restart", turns.RESTARTED, who.name):
            _line(axes, values, f"{who.name}, restarted")
    if not axes.has_data():
        return None
    axes.set_yscale("log")
    axes.legend(fontsize="small")
    return figure


def _streams(results: Results) -> Any:
    figure, axes = _blank(
        f"Korean and English answers, {results.model}", "streams at once", "tokens/s, all together"
    )
    for who in results.peers:
        if values := results.of("streams", rates.RATE, who.name):
            _line(axes, values, who.name)
    if not axes.has_data():
        return None
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")
    return figure


def _roofline(results: Results) -> Any:
    found = list(roofs(results))
    if not found:
        return None
    read = f"{results.read_bytes_per_second / 1e9:.1f} GB/s"
    figure, axes = _blank(f"Decoding at one stream, memory read at {read}", "", "tokens/s")
    names = [who.name for who, _, _ in found]
    axes.bar(names, [rate for _, _, rate in found], label="reached")
    most = [limit for _, limit, _ in found]
    axes.scatter(names, most, marker="_", s=1500, color="black", label="most that memory allows")
    axes.tick_params(axis="x", rotation=20)
    axes.legend(fontsize="small", markerscale=0.4)
    return figure
