"""Cuts the power at all moments of five workloads, and counts what is lost or damaged:
`python -m benchmarks.power_cut`, or with `--pragma synchronous=NORMAL` for comparison.

Moments: right before and after every write-out to the disk, after every acknowledgement, and one
in each gap between; each with everything lost, kept, or torn that was not safe.
"""

import argparse
import random
import tempfile
from pathlib import Path

from tests.database import power_cut, workloads
from tests.database.disk import Event, Sync
from tests.database.workloads import Workload

ROW = "{:20}{:>9}{:>9}{:>9}{:>9}"


def moments(events: list[Event], every: int) -> set[int]:
    points = power_cut.points(events)
    return set(sorted({*points, *power_cut.between(points, random.Random(1))})[::every])


def tried(workload: Workload, pragmas: list[str], every: int) -> list[str]:
    """A row: syncs, moments, cuts, and how many of them lost something."""
    with tempfile.TemporaryDirectory() as folder:
        before, events = power_cut.happened(workload, Path(folder), *pragmas)
        at = moments(events, every)
        losses = [
            bool(power_cut.losses(cut, Path(folder)))
            for cut in power_cut.cuts(before, events, at, seed=1)
        ]
    syncs = sum(isinstance(event, Sync) for event in events)
    figures = (syncs, len(at), len(losses), sum(losses))
    return [workload.__name__, *map(str, figures)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pragma", action="append", default=[], help="set after the server's own")
    parser.add_argument("--every", type=int, default=1, help="try only every n-th moment")
    options = parser.parse_args()
    print(ROW.format("", "syncs", "moments", "cuts", "losing"))
    for workload in workloads.ALL:
        print(ROW.format(*tried(workload, options.pragma, options.every)), flush=True)


if __name__ == "__main__":
    main()
