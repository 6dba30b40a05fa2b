"""ONNX weights through our server beside llama.cpp's server with the same weights as GGUF, at
equal quality, in one run whose rounds alternate between them.

`python -m benchmarks.engines [--model NAME]`: decode, prefill, newcomers, gaps, a late turn.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from app.config import load_settings
from app.weights import ensure
from benchmarks import engine_figures as measured
from benchmarks.engine_quality import Loss
from benchmarks.figures import Spread, save, table, verdict
from benchmarks.processes import ROOT, end_in_order
from benchmarks.quiet import Neighbours, wait_until_quiet
from benchmarks.requantize import requantize
from benchmarks.servers import Contender, like, llama_server, our_server

OURS, EIGHT_BITS, SOURCE = "ours, ONNX", "llama-server, Q8_0", "llama-server, source"
WINDOW: Final = 4352
# llama-server's own default: longer runs over a prompt than ours, and longer pauses for others.
PEER_BATCH: Final = 512
MAX_LOSS: Final = 0.5
# By the beginning of the model's name: decode at 8 streams, against Q8_0 and the source file.
DECODE_TARGETS: Final = {"qwen2.5": (1.2, 1.5), "smollm2": (1.0, None)}
PREFILL_TARGET, NEWCOMER_TARGET, GAP_TARGET, TURN_TARGET = 0.9, 1.5, 0.3, 20.0

# Contender's name -> figure's name -> its values, a value a round.
Figures = dict[str, dict[str, list[float]]]


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    options = _parser().parse_args()
    data_dir = load_settings().data_dir
    source = Path(ensure(options.model, data_dir).path)
    folder = options.onnx or data_dir / "converted" / f"{options.model}-int8"
    eight = requantize(source, folder / f"{source.stem}.q8_0.gguf")
    losses = [] if options.no_quality else quality(source, folder, eight)
    with contenders(folder, eight, source) as running:
        figures = asyncio.run(measure(running, options))
    text = "\n\n".join([quality_report(losses), report(options.model, figures)])
    print(text)
    save(options.json, {"figures": figures, "quality": msgspec.to_builtins(losses)})
    return int("MISSED" in text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b-instruct", help="catalogue name")
    parser.add_argument("--onnx", type=Path, help="its folder (default: where convert puts it)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-quality", action="store_true", help="spare the perplexities")
    parser.add_argument("--patience", type=float, default=30, help="seconds to wait for quiet")
    parser.add_argument("--json", type=Path, help="file for the raw figures")
    return parser


def quality(source: Path, folder: Path, eight: Path) -> list[Loss]:
    """Measured in a process of its own: PyTorch's memory and threads end with it."""
    command = [sys.executable, "-m", "benchmarks.engine_quality", "--gguf", str(source)]
    command += ["--onnx", str(folder), "--other", str(eight)]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return [msgspec.json.decode(line, type=Loss) for line in output.splitlines()]


@contextlib.contextmanager
def contenders(folder: Path, eight: Path, source: Path) -> Iterator[list[Contender]]:
    """Our server on the ONNX folder, llama.cpp's on both GGUF files; same slots and window."""
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = {"CONTEXT_LENGTH": str(WINDOW)}
        ours = stack.enter_context(our_server(str(folder), work, **settings))
        running = [Contender(OURS, ours.pid, ours.port, ours.dialect)]
        for name, file in ((EIGHT_BITS, eight), (SOURCE, source)):
            chosen = msgspec.structs.replace(like(str(file), ours.port), batch=PEER_BATCH)
            running.append(stack.enter_context(llama_server(name, chosen, work, same_openmp=True)))
        yield running


async def measure(running: list[Contender], options: argparse.Namespace) -> Figures:
    """Rounds in which the contenders take turns, in changing order."""
    figures: Figures = {contender.name: {} for contender in running}
    neighbours = Neighbours([contender.pid for contender in running])
    for contender in running:
        await measured.prefill(contender)
    for number in range(options.rounds):
        turn = number % len(running)
        for contender in [*running[turn:], *running[:turn]]:
            wait_until_quiet(neighbours, options.patience)
            neighbours.restart()
            await _round(contender, figures[contender.name], long=number == 0)
            note = f"round {number}, {contender.name}, neighbours {neighbours.cores():.2f}"
            print(note, file=sys.stderr)
    return figures


async def _round(contender: Contender, figures: dict[str, list[float]], *, long: bool) -> None:
    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    for streams in (1, 8):
        note(f"decode at {streams}, tokens/s", await measured.decode(contender, streams))
    note("prefill, tokens/s", await measured.prefill(contender))
    words = await measured.words_for(contender, measured.NEWCOMER)
    alone = await measured.first_token(contender, words)
    beside, _, step = await measured.newcomer(contender, words)
    note("newcomer's first token less a step, times alone", (beside - step) / alone)
    if long:  # once is long enough
        words = await measured.words_for(contender, measured.LONG)
        _, gap, _ = await measured.newcomer(contender, words)
        note("largest gap while a prompt of 4,000 tokens arrives, s", gap)
    if contender.name == OURS:
        first, fresh, tokens = await measured.last_turn(contender)
        note("turn 5, prompt tokens", tokens)
        note("turn 5, first token, times sooner than anew", fresh / first)


def quality_report(losses: list[Loss]) -> str:
    """What the weights that are compared have lost."""
    rows = [
        [
            loss.weights,
            loss.language,
            f"{loss.perplexity:.3f}",
            f"{loss.percent:+.2f} % ± {loss.error:.2f}",
            str(loss.tokens),
            f"<= {MAX_LOSS} % {verdict(loss.percent <= MAX_LOSS)}"
            if loss.language == "all"
            else "",
        ]
        for loss in losses
    ]
    headers = ["weights", "text", "perplexity", "against the source in 32 bits", "tokens", "target"]
    return table(headers, rows) if rows else "quality not measured"


def report(model: str, figures: Figures) -> str:
    """Medians and quartiles side by side, the ratios round by round, and the targets."""
    rows = []
    for name, ours in figures[OURS].items():
        rows.append([name, OURS, Spread.of(ours).text(2), "", _judge(name, Spread.of(ours).median)])
        for other in (EIGHT_BITS, SOURCE):
            if theirs := figures[other].get(name):
                ratio = Spread.of(a / b for a, b in zip(ours, theirs, strict=True))
                judged = _judge_ratio(model, name, other, ratio.median)
                rows.append(["", other, Spread.of(theirs).text(2), ratio.text(2), judged])
    return table(["figure", "server", "median (quartiles)", "ours to theirs", "target"], rows)


def _judge(name: str, value: float) -> str:
    if name.startswith("largest gap"):
        return f"<= {GAP_TARGET} s {verdict(value <= GAP_TARGET)}"
    if name.startswith("newcomer"):
        return f"<= {NEWCOMER_TARGET} {verdict(value <= NEWCOMER_TARGET)}"
    if name.startswith("turn 5, first"):
        return f">= {TURN_TARGET:.0f} {verdict(value >= TURN_TARGET)}"
    return ""


def _judge_ratio(model: str, name: str, other: str, ratio: float) -> str:
    target = None
    if name.startswith("decode at 8"):
        found = next(
            (t for key, t in DECODE_TARGETS.items() if model.startswith(key)), (None, None)
        )
        target = found[0] if other == EIGHT_BITS else found[1]
    elif name.startswith("prefill") and other == EIGHT_BITS:
        target = PREFILL_TARGET
    return "" if target is None else f">= {target} {verdict(ratio >= target)}"


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
