"""Our server beside busy programs, against llama-server as it comes: two threads, GNU's OpenMP,
batches of 2048. `python -m benchmarks.busy`: decode rates beside 0, 1 and 2 busy processes, and
what a long prompt does to those who are being answered. The rounds alternate in one run.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from app.config import load_settings
from app.weights import ensure
from benchmarks import engine_figures as measured
from benchmarks.figures import Spread, save, table, verdict
from benchmarks.overhead import numbers
from benchmarks.processes import child, end_in_order
from benchmarks.quiet import Neighbours, wait_until_quiet
from benchmarks.sampling import sample
from benchmarks.servers import Contender, like, llama_server, our_server

BUSY: Final = "while True: pass"
OURS, THEIRS = "ours", "llama-server"
SLOTS, WINDOW, STREAMS_BESIDE = 4, 5120, 3
BATCH, MICRO_BATCH, THREADS = 2048, 512, 2
# Ours to theirs, by busy processes.
TARGETS: Final = {0: 0.97, 1: 2.0, 2: 4.0}
GAP_SECONDS, PREFILL_TARGET = 0.5, 0.95
GAP, ALONE, BESIDE, SHARE = (
    "largest gap, s",
    "prefill alone, tokens/s",
    "prefill beside 3 streams, tokens/s",
    "prefill beside to alone",
)

# Contender's name -> figure's name -> its values, a value a round.
Figures = dict[str, dict[str, list[float]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a target is missed."""
    options = _parser().parse_args(arguments)
    settings = load_settings()
    model = ensure(options.model or settings.sllm_model_path, settings.data_dir).path
    with tempfile.TemporaryDirectory() as folder, contenders(model, Path(folder)) as running:
        figures = measure(running, options, Path(folder))
    text = report(figures)
    print(f"{Path(model).name}\n\n{text}")
    save(options.json, figures)
    return int("MISSED" in text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.busy", description=__doc__)
    parser.add_argument("--model", help="a .gguf file or a catalogue name (default: the setting)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--busy", type=numbers, default=[0, 1, 2], help="such as 0,1,2")
    parser.add_argument("--streams", type=numbers, default=[1, 4], help="such as 1,4")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--settle", type=float, default=3, help="seconds of answers before")
    parser.add_argument("--long", type=int, default=measured.LONG, help="0: no long prompt")
    parser.add_argument("--patience", type=float, default=30, help="seconds to wait for quiet")
    parser.add_argument("--json", type=Path, help="file for the raw figures")
    return parser


@contextlib.contextmanager
def contenders(model: str, folder: Path) -> Iterator[list[Contender]]:
    """Both with the same slots and window; all else as their users get it."""
    ours = {"CONTEXT_LENGTH": str(WINDOW), "PARALLEL_SLOTS": str(SLOTS)}
    with our_server(model, folder, **ours) as server:
        theirs = msgspec.structs.replace(
            like(model, server.port), batch=BATCH, micro_batch=MICRO_BATCH, threads=THREADS
        )
        with llama_server(THEIRS, theirs, folder, same_openmp=False) as other:
            yield [server, other]


def measure(running: Sequence[Contender], options: argparse.Namespace, folder: Path) -> Figures:
    """Every round goes through all loads, with the contenders in turn at each."""
    figures: Figures = {contender.name: {} for contender in running}
    neighbours = Neighbours([contender.pid for contender in running])
    for number in range(options.rounds):
        wait_until_quiet(neighbours, options.patience)
        for count in options.busy:
            with busy_processes(count, folder):
                for contender in _turned(running, number):
                    _decode(contender, count, options, figures[contender.name])
        if options.long:
            for contender in _turned(running, number):
                asyncio.run(_long_prompt(contender, options.long, figures[contender.name]))
    return figures


def _turned(running: Sequence[Contender], number: int) -> list[Contender]:
    turn = number % len(running)
    return [*running[turn:], *running[:turn]]


@contextlib.contextmanager
def busy_processes(count: int, folder: Path) -> Iterator[None]:
    """So many programs that never wait."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(child([sys.executable, "-c", BUSY], {}, folder / "busy.log"))
        yield


def _decode(
    contender: Contender, busy: int, options: argparse.Namespace, figures: dict[str, list[float]]
) -> None:
    _settle(contender, options.settle)
    for streams in options.streams:
        keys = [measured.key() for _ in range(streams)]
        taken = sample(contender, keys, options.max_tokens)
        name = _name(busy, streams)
        figures.setdefault(name, []).append(taken.decode_per_second)
        others = f"all others {taken.neighbour_cores:.2f} cores"
        _say(contender, f"{name}: {taken.decode_per_second:.1f}, {others}")


def _settle(contender: Contender, seconds: float) -> None:
    """Answers that do not count, in which the kernel and the server take in who is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sample(contender, [measured.key()], 16)


def _name(busy: int, streams: int) -> str:
    return f"decode, {busy} busy, {streams} streams, tokens/s"


async def _long_prompt(contender: Contender, tokens: int, figures: dict[str, list[float]]) -> None:
    """A prompt of so many tokens alone, then another of that length while three are answered."""
    words = await measured.words_for(contender, tokens)
    alone = await measured.first_token(contender, words)
    beside, gap, _ = await measured.newcomer(contender, words, STREAMS_BESIDE)
    values = {ALONE: tokens / alone, BESIDE: tokens / beside, SHARE: alone / beside, GAP: gap}
    for name, value in values.items():
        figures.setdefault(name, []).append(value)
        _say(contender, f"{name}: {value:.2f}")


def _say(contender: Contender, text: str) -> None:
    print(f"{contender.name}: {text}", file=sys.stderr, flush=True)


def report(figures: Figures) -> str:
    """Medians and quartiles, the ratios round by round, and the targets."""
    headers = ["figure", "ours", "llama-server", "ours to theirs", "target"]
    rows = []
    for name, ours in figures[OURS].items():
        theirs = figures[THEIRS][name]
        ratio = Spread.of(a / b for a, b in zip(ours, theirs, strict=True))
        digits = 2 if name in (GAP, SHARE) else 1
        medians = Spread.of(ours).text(digits), Spread.of(theirs).text(digits)
        judged = _judge(name, Spread.of(ours).median, ratio.median)
        rows.append([name, *medians, ratio.text(2), judged])
    return table(headers, rows)


def _judge(name: str, ours: float, ratio: float) -> str:
    if name == GAP:
        return f"<= {GAP_SECONDS} s {verdict(ours <= GAP_SECONDS)}"
    if name == SHARE:
        return f">= {PREFILL_TARGET} {verdict(ours >= PREFILL_TARGET)}"
    for busy, target in TARGETS.items():
        if name.startswith(f"decode, {busy} busy"):
            return f">= {target} {verdict(ratio >= target)}"
    return ""


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
