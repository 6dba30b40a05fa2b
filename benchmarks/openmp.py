"""How long should OpenMP's threads spin before they sleep? Evidence for the engine's default.

`python -m benchmarks.openmp`: speed by KMP_BLOCKTIME (milliseconds), with the machine to itself
and beside one busy process, and what an idle server burns.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct, to_builtins

from app.config import load_settings
from benchmarks.figures import Spread, save, table
from benchmarks.overhead import SETTLE_SECONDS, numbers
from benchmarks.processes import child, cpu_seconds, end_in_order
from benchmarks.quiet import QUIET_CORES, Neighbours, wait_until_quiet
from benchmarks.sampling import Sample, sample
from benchmarks.servers import Contender, our_server

BLOCKTIMES = ("0", "1", "20", "200", "infinite")
IDLE_SECONDS = 2.0
BUSY = "while 1: pass"


class Speed(Struct, frozen=True):
    """Samples by number of streams, and the cores that the idle server used afterwards."""

    alone: dict[int, Sample]
    beside: dict[int, Sample]
    idle_cores: float

    @property
    def neighbour_cores(self) -> float:
        """What programs used that have no part in this."""
        alone = max(taken.neighbour_cores for taken in self.alone.values())
        return max(alone, max(taken.neighbour_cores for taken in self.beside.values()) - 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. No target: this is for choosing."""
    options = _parser().parse_args(arguments)
    model = options.model or load_settings().sllm_model_path or ""
    measured: dict[str, list[Speed]] = {blocktime: [] for blocktime in options.blocktimes}
    for number in range(options.rounds):
        for blocktime in _turned(options.blocktimes, number):
            speed = measure(model, blocktime, options)
            measured[blocktime].append(speed)
            print(f"round {number}, {blocktime}: {_rates(speed)}", file=sys.stderr, flush=True)
            save(options.json, to_builtins(measured, str_keys=True))
    print(table(_headers(options.streams), list(_rows(measured, options.streams))))
    print("Tokens a second over all streams, prefill included: medians (quartiles) of the rounds")
    print("that had the machine to themselves, of all where none had.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.openmp", description=__doc__)
    parser.add_argument("--model", help="a .gguf file or a catalogue name (default: the setting)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", type=numbers, default=[1, 4, 8], help="such as 1,4,8")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--blocktimes", type=lambda text: text.split(","), default=BLOCKTIMES)
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for quiet")
    parser.add_argument("--json", type=Path, help="file for the raw samples")
    return parser


def _turned(names: Sequence[str], number: int) -> list[str]:
    """Every round starts with another one: what changes with time meets them all."""
    turn = number % len(names)
    return [*names[turn:], *names[:turn]]


def measure(model: str, blocktime: str, options: argparse.Namespace) -> Speed:
    """One server, alone on the machine: spinning threads of another would be a neighbour."""
    with (
        tempfile.TemporaryDirectory() as folder,
        our_server(model, Path(folder), KMP_BLOCKTIME=blocktime) as server,
    ):
        sample(server, ["warm0", "warm1"], 8)
        idle = _idle_cores(server)
        wait_until_quiet(Neighbours([server.pid]), options.patience)
        alone = {k: _sample(server, "A", k, options.max_tokens) for k in options.streams}
        with _busy_process(Path(folder)):
            beside = {k: _sample(server, "B", k, options.max_tokens) for k in options.streams}
    return Speed(alone, beside, idle)


def _sample(server: Contender, mark: str, streams: int, max_tokens: int) -> Sample:
    time.sleep(SETTLE_SECONDS)  # so that the last sample's threads sleep
    keys = [f"{chr(65 + index)}{mark}{streams}" for index in range(streams)]
    return sample(server, keys, max_tokens)


@contextlib.contextmanager
def _busy_process(folder: Path) -> Iterator[None]:
    with child([sys.executable, "-c", BUSY], {}, folder / "busy.log"):
        yield


def _idle_cores(server: Contender) -> float:
    """Just after work, over IDLE_SECONDS; our own sleep costs nothing."""
    before = cpu_seconds([server.pid])
    time.sleep(IDLE_SECONDS)  # the length of the look
    return (cpu_seconds([server.pid]) - before) / IDLE_SECONDS


def _rates(speed: Speed) -> str:
    alone = [round(taken.tokens_per_second, 1) for taken in speed.alone.values()]
    beside = [round(taken.tokens_per_second, 1) for taken in speed.beside.values()]
    noise = f"{speed.neighbour_cores:.2f}"
    return f"alone {alone}, beside {beside}, idle {speed.idle_cores:.3f}, noise {noise}"


def _headers(streams: Sequence[int]) -> list[str]:
    alone = [f"{count} alone" for count in streams]
    return ["KMP_BLOCKTIME, ms", *alone, *(f"{count} beside" for count in streams), "idle, cores"]


def _rows(measured: dict[str, list[Speed]], streams: Sequence[int]) -> Iterator[tuple[str, ...]]:
    for blocktime, every in measured.items():
        speeds = [speed for speed in every if speed.neighbour_cores <= QUIET_CORES] or every
        alone = [_rate(speed.alone[count] for speed in speeds) for count in streams]
        beside = [_rate(speed.beside[count] for speed in speeds) for count in streams]
        idle = Spread.of(speed.idle_cores for speed in speeds)
        yield (blocktime, *alone, *beside, f"{idle.median:.3f}")


def _rate(samples: Iterator[Sample]) -> str:
    return Spread.of(taken.tokens_per_second for taken in samples).text()


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
