"""The figures as a picture, by matplotlib, which the extra `bench` brings."""

from importlib.util import find_spec
from pathlib import Path

from app.commands.bench.measure import Figures

INSTALL = "poetry install -E bench"
PARTS = (
    ("total_per_second", "tokens per second, all streams together"),
    ("first_token_ms", "milliseconds to the first token"),
)


def can_draw() -> bool:
    return find_spec("matplotlib") is not None


def draw(figures: list[Figures], path: Path) -> None:
    """A bar for each model and number of streams. Raises OSError where it cannot be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [f"{each.model}\n{each.streams} at once" for each in figures]
    picture = Figure(figsize=(max(6.0, 1.6 * len(names)), 7.0), layout="constrained")
    FigureCanvasAgg(picture)
    for place, (field, title) in enumerate(PARTS, 1):
        axes = picture.add_subplot(len(PARTS), 1, place)
        bars = axes.bar(names, [getattr(each, field) for each in figures], color="#3b6ea5")
        axes.bar_label(bars, fmt="%.1f")
        axes.set_title(title)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="x", labelsize=8)
    picture.savefig(path, format="png", dpi=120)
