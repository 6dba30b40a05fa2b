"""Our server beside every peer that can be installed: same weights, same prompts, by turns.

`python -m benchmarks.compare` measures, prints Markdown, and writes JSON and pictures with `--json`
and `--plots`; `--report FILE` prints a saved run anew. Returns 1 when a target is missed.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import uvloop

from app.config import load_settings
from app.convert import requirements
from app.convert.errors import ConvertError
from app.provider.served import best
from app.weights import ensure
from app.weights.task import Task
from benchmarks.compare import plots, rates, roofline, turns, web
from benchmarks.compare.installs import AbsentError
from benchmarks.compare.peers import EXTRA, NAMES, OURS, THREADS, Weights, found
from benchmarks.compare.report import report
from benchmarks.compare.stage import Stage, Wishes
from benchmarks.compare.targets import judge
from benchmarks.compare.values import Results, load
from benchmarks.figures import machine
from benchmarks.overhead import numbers
from benchmarks.processes import ROOT, end_in_order

Scenario = Callable[[Stage], Coroutine[Any, Any, None]]
SCENARIOS: Final[dict[str, Scenario]] = {
    "next_turn": turns.next_turn,
    "restart": turns.restart,
    "taking_turns": turns.taking_turns,
    "streams": rates.streams,
    "start": rates.start,
    "web": web.web,
}
DEFAULT_MODEL: Final = "smollm2-135m-instruct"


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if options.report:
        results, measured_on = load(options.report)
    else:
        results, measured_on = measure(options), machine()
    print(report(results, measured_on))
    if options.plots:
        for path in plots.draw(results, options.plots):
            print(f"drawn: {path}", file=sys.stderr)
    return int(not all(each.met for each in judge(results)))


def parser() -> argparse.ArgumentParser:
    wishes = Wishes()
    made = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    add = made.add_argument
    add("--model", default=DEFAULT_MODEL, help="a catalogue name or a .gguf file")
    add("--onnx", type=Path, help="its ONNX folder (default: where `sllm convert` puts it)")
    add("--only", type=_names(SCENARIOS), default=list(SCENARIOS), help=", ".join(SCENARIOS))
    add("--peers", type=_names(NAMES), help="; ".join(NAMES), metavar="NAME;NAME")
    add("--rounds", type=int, default=wishes.rounds)
    add("--patience", type=float, default=wishes.patience, help="seconds to wait for quiet")
    add("--lengths", type=numbers, default=wishes.lengths, help="histories, in tokens")
    add("--streams", type=numbers, default=wishes.streams, help="such as 1,2,4,8")
    add("--conversations", type=int, default=wishes.conversations, help="that take turns")
    add("--turn-tokens", type=int, default=wishes.turn_tokens, help="history of each of them")
    add("--answer-tokens", type=int, default=wishes.answer_tokens, help="of streams")
    add("--no-install", action="store_true", help="without peers that are not installed yet")
    add("--json", type=Path, help="file for the raw values")
    add("--plots", type=Path, help="folder for the pictures")
    add("--report", type=Path, help="a file of --json: print it, measure nothing")
    return made


def _names(known: "dict[str, Scenario] | tuple[str, ...]") -> Callable[[str], list[str]]:
    """Splits at commas (peers at semicolons), and refuses what is unknown."""
    separator = "," if isinstance(known, dict) else ";"

    def names(text: str) -> list[str]:
        wanted = [part.strip() for part in text.split(separator)]
        if unknown := [name for name in wanted if name not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {unknown}; known: {list(known)}")
        return wanted

    return names


def measure(options: argparse.Namespace) -> Results:
    """Prepare the weights, then measure."""
    data_dir = load_settings().data_dir
    came = ensure(options.model, data_dir)
    served = best(came, data_dir, Task()).weights
    weights = Weights(came.path, onnx_folder(options, data_dir))
    if served.format == "gguf" and served.path != came.path:
        weights = replace(weights, served=Path(served.path))
    return run(weights, options)


def run(weights: Weights, options: argparse.Namespace) -> Results:
    """One scenario after the other; what is measured is not lost with what comes later."""
    peers, absent = found(wanted_peers(options.peers), weights, not options.no_install)
    name = Path(weights.gguf).stem
    results = Results(name, options.rounds, [peer.who for peer in peers], absent)
    results.read_bytes_per_second = roofline.read_bandwidth(THREADS)
    wishes = Wishes(**{name: vars(options)[name] for name in Wishes.__dataclass_fields__})
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(weights.gguf, peers, Path(folder), wishes, results)
        for scenario in options.only:
            _run(stage, scenario)
            results.save(options.json)
    return results


def wanted_peers(names: list[str] | None) -> list[str]:
    """In our order, ours first: it counts the tokens of the histories for all."""
    wanted = [name for name in NAMES if name not in EXTRA] if names is None else [OURS, *names]
    return [name for name in NAMES if name in wanted]


def _run(stage: Stage, scenario: str) -> None:
    stage.scenario, began = scenario, time.perf_counter()
    print(f"{scenario} …", file=sys.stderr, flush=True)
    uvloop.run(SCENARIOS[scenario](stage))
    stage.results.seconds[scenario] = round(time.perf_counter() - began, 1)
    print(f"{scenario}: {stage.results.seconds[scenario]} s", file=sys.stderr, flush=True)


def onnx_folder(options: argparse.Namespace, data_dir: Path) -> Path | AbsentError:
    """The same weights as ONNX int8, converted when they are not there yet."""
    folder: Path = options.onnx or data_dir / "converted" / f"{options.model}-int8"
    if folder.is_dir():
        return folder
    if options.no_install:
        return AbsentError("there is no ONNX folder, and --no-install was given")
    try:
        requirements.require()
    except ConvertError as error:
        return AbsentError(str(error))
    command = [sys.executable, "-m", "app.cli", "convert", options.model, "--output", str(folder)]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        return AbsentError("the weights cannot be converted to ONNX")
    return folder


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
