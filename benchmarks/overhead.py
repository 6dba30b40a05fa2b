"""What our server costs against llama.cpp's own, same weights and options, in one run.

`python -m benchmarks.overhead`: tokens a second and time to the first token, in paired rounds.
"""

import argparse
import contextlib
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from app.config import load_settings
from app.weights import ensure
from benchmarks.client import BenchmarkError
from benchmarks.figures import Spread, save, table, verdict
from benchmarks.processes import end_in_order
from benchmarks.quiet import QUIET_CORES, Neighbours, wait_until_quiet
from benchmarks.sampling import Sample, sample
from benchmarks.servers import Contender, like, llama_server, our_server

TARGET_RATIO = 0.95
TARGET_FIRST_TOKEN_MS = 10.0
# Idle OpenMP threads still spin for a while; nobody is measured beside them.
SETTLE_SECONDS = 0.4
MAX_ATTEMPTS = 4

# Contender's name -> its sample, for one number of streams.
Round = dict[str, Sample]


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    options = _parser().parse_args()
    settings = load_settings()
    model = ensure(options.model or settings.sllm_model_path, settings.data_dir).path
    with contenders(model) as running:
        rounds = measure(running, options)
    text = report(Path(model).name, rounds)
    print(text)
    save(options.json, {str(k): [msgspec.to_builtins(r) for r in v] for k, v in rounds.items()})
    return int("MISSED" in text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--model", help="a .gguf file or a catalogue name (default: the setting)")
    parser.add_argument("--rounds", type=int, default=7, help="quiet rounds wanted")
    parser.add_argument("--streams", type=numbers, default=[1, 4, 8], help="such as 1,4,8")
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for quiet")
    parser.add_argument("--json", type=Path, help="file for the raw samples")
    return parser


def numbers(text: str) -> list[int]:
    """`1,4,8` as numbers."""
    return [int(part) for part in text.split(",")]


@contextlib.contextmanager
def contenders(model: str) -> Iterator[list[Contender]]:
    """Our server and llama.cpp's twice: with the OpenMP runtime that we bring, and with the
    system's (left out where there is none)."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = stack.enter_context(our_server(model, folder))
        same = llama_server("same OpenMP", like(model, ours.port), folder, same_openmp=True)
        running = [ours, stack.enter_context(same)]
        system = llama_server("system OpenMP", like(model, ours.port), folder, same_openmp=False)
        try:
            running.append(stack.enter_context(system))
        except BenchmarkError as error:
            print(f"llama-server does not start as installed here: {error}", file=sys.stderr)
        yield running


def measure(running: Sequence[Contender], options: argparse.Namespace) -> dict[int, list[Round]]:
    """Rounds by number of streams; in each the contenders take turns, in changing order."""
    for contender in running:
        sample(contender, ["warm0", "warm1"], 8)
    neighbours = Neighbours([contender.pid for contender in running])
    return {
        streams: _quietest(running, streams, options, neighbours) for streams in options.streams
    }


def _quietest(
    running: Sequence[Contender], streams: int, options: argparse.Namespace, neighbours: Neighbours
) -> list[Round]:
    """Rounds are repeated, within bounds, until enough of them had the machine to themselves."""
    rounds: list[Round] = []
    for number in range(options.rounds * MAX_ATTEMPTS):
        if sum(map(_is_quiet, rounds)) >= options.rounds:
            break
        wait_until_quiet(neighbours, options.patience)
        rounds.append(_round(running, streams, options.max_tokens, number))
    return sorted(rounds, key=_noise)[: options.rounds]


def _round(running: Sequence[Contender], streams: int, max_tokens: int, number: int) -> Round:
    keys = [f"{chr(65 + index)}{number}x{streams}" for index in range(streams)]
    turn = number % len(running)
    outcome = {}
    for contender in [*running[turn:], *running[:turn]]:
        outcome[contender.name] = taken = sample(contender, keys, max_tokens)
        note = f"{taken.tokens_per_second:.1f} tokens/s, neighbours {taken.neighbour_cores:.2f}"
        print(f"{streams} streams, {contender.name}: {note}", file=sys.stderr)
        time.sleep(SETTLE_SECONDS)  # until the threads of this one sleep
    return outcome


def _noise(outcome: Round) -> float:
    return max(taken.neighbour_cores for taken in outcome.values())


def _is_quiet(outcome: Round) -> bool:
    return _noise(outcome) <= QUIET_CORES


def report(model: str, rounds: dict[int, list[Round]]) -> str:
    """The table and what one must know to read it."""
    lines = list(itertools.chain.from_iterable(map(_rows, rounds.items())))
    return f"{table(HEADERS, lines)}\n{_footnote(model, rounds)}"


HEADERS = ("streams", "figure", "ours", "against", "theirs", "ours to theirs, paired", "target")


def _rows(item: tuple[int, list[Round]]) -> Iterator[tuple[str, ...]]:
    streams, rounds = item
    others = [name for name in rounds[0] if name != "ours"]
    for other in sorted(others):
        for figure in ("tokens_per_second", "decode_per_second"):
            yield _ratio_row(streams, rounds, other, figure)
        yield _first_token_row(streams, rounds, other)


def _values(rounds: list[Round], name: str, figure: str) -> list[float]:
    return [float(getattr(outcome[name], figure)) for outcome in rounds]


def _ratio_row(streams: int, rounds: list[Round], other: str, figure: str) -> tuple[str, ...]:
    ours, theirs = _values(rounds, "ours", figure), _values(rounds, other, figure)
    ratio = Spread.of(a / b for a, b in zip(ours, theirs, strict=True))
    label = figure.replace("_per_second", "/s")
    target = f">= {TARGET_RATIO} {verdict(ratio.median >= TARGET_RATIO)}"
    medians = Spread.of(ours).text(), other, Spread.of(theirs).text()
    return (str(streams), label, *medians, ratio.text(3), target)


def _first_token_row(streams: int, rounds: list[Round], other: str) -> tuple[str, ...]:
    ours, theirs = (_values(rounds, name, "first_token_ms") for name in ("ours", other))
    more = Spread.of(a - b for a, b in zip(ours, theirs, strict=True))
    target = f"<= {TARGET_FIRST_TOKEN_MS:.0f} ms {verdict(more.median <= TARGET_FIRST_TOKEN_MS)}"
    medians = Spread.of(ours).text(), other, Spread.of(theirs).text()
    return (str(streams), "first token, ms", *medians, f"{more.text()} ms more", target)


def _footnote(model: str, measured: dict[int, list[Round]]) -> str:
    rounds = [outcome for some in measured.values() for outcome in some]
    samples = [taken for outcome in rounds for taken in outcome.values()]
    prompts = {tuple(taken.prompt_tokens for taken in outcome.values()) for outcome in rounds}
    equal = all(len(set(counts)) == 1 for counts in prompts)
    return (
        f"{model}; medians (quartiles) of {min(map(len, measured.values()))} rounds; "
        f"prompts {'equal' if equal else 'NOT EQUAL'} on all sides; at most "
        f"{max(taken.cached_tokens for taken in samples)} prompt tokens from a cache; "
        f"other programs used {Spread.of(map(_noise, rounds)).text(2)} cores."
    )


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
