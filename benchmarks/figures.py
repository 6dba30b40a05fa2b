"""Medians, spreads and tables; knows nothing of servers."""

import json
import platform
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psutil
from msgspec import Struct


class Spread(Struct, frozen=True):
    """The middle of some numbers and where half of them lie."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Median and quartiles; with fewer than four values their extremes."""
        ordered = sorted(values)
        low, high = ordered[0], ordered[-1]
        if len(ordered) >= 4:
            low, _, high = statistics.quantiles(ordered, n=4, method="inclusive")
        return cls(statistics.median(ordered), low, high, len(ordered))

    def text(self, digits: int = 1) -> str:
        """`median (low..high)`."""
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}..{self.high:.{digits}f})"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, aligned for terminals."""
    cells = [list(headers), *map(list, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def machine() -> dict[str, Any]:
    """What the figures depend on: they mean nothing without it."""
    return {
        "processor": _processor(),
        "logical_cores": psutil.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def save(path: Path | None, figures: Any) -> None:
    """Write the raw numbers, with the machine they are of, as JSON; None writes nothing."""
    if path is not None:
        path.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")
