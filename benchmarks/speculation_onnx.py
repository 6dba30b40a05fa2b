"""What checking several drafted tokens in one run would cost our ONNX engine, and what it changes.

`python -m benchmarks.speculation_onnx --onnx FOLDER`: seconds of a run over 2 to 12 tokens of
a row against a run over one, and how far the logits after them are from those of single runs.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Final

import numpy as np

from app.engine.onnx.graph import Graph, probe
from app.engine.onnx.layout import read_layout
from app.engine.onnx.memory import Array
from app.engine.onnx.session import open_session
from app.engine.onnx.slots import Slots
from app.provider.plan import compute_threads
from app.weights.onnx_preflight import check
from benchmarks.figures import Spread, table

SIZES: Final = (2, 4, 8, 12)
HELD: Final = 400


def main() -> None:
    options = _parser().parse_args()
    graph = load(options.onnx)
    tokens = np.random.default_rng(0).integers(1000, 20_000, HELD + max(SIZES))[None]
    graph.run(0, tokens[:, :HELD], [0])
    costs: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(options.rounds):
        for size in SIZES:
            one = _seconds(graph, tokens, 1)
            costs[size].append(_seconds(graph, tokens, size) / one)
    rows = [
        [str(size), Spread.of(costs[size]).text(2), f"{_difference(graph, tokens, size):.3f}"]
        for size in SIZES
    ]
    print(table(["tokens in a run", "cost in runs of one", "largest difference of logits"], rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speculation_onnx")
    parser.add_argument("--onnx", type=Path, required=True, help="a folder with ONNX weights")
    parser.add_argument("--rounds", type=int, default=9)
    return parser


def load(folder: Path) -> Graph:
    """The graph as it is: with logits after every token, which checking drafts needs."""
    header = check(folder / "model.onnx")
    session = open_session(folder / "model.onnx", compute_threads(), decoder=False)
    layout = read_layout(
        session.get_inputs(), session.get_outputs(), folder.name, header.key_length
    )
    slots = Slots(layout.caches, 1, HELD + max(SIZES))
    return Graph(session, layout, slots, probe(session, layout, folder.name))


def _seconds(graph: Graph, tokens: Array, size: int) -> float:
    """The middle of three runs behind the tokens that are held."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        graph.run(0, tokens[:, HELD : HELD + size], [HELD])
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _difference(graph: Graph, tokens: Array, size: int) -> float:
    """Of the logits after the last of `size` tokens, in one run and one by one."""
    together = graph.run(0, tokens[:, HELD : HELD + size], [HELD]).copy()
    for place in range(HELD, HELD + size):
        alone = graph.run(0, tokens[:, place : place + 1], [place])
    return float(np.abs(together - alone).max())


if __name__ == "__main__":
    main()
