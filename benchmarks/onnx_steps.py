"""The ONNX engine's steps beside llama.cpp's, through the same backend interface, in one run.

`python -m benchmarks.onnx_steps --onnx FOLDER --gguf FILE`: prefill, decode, gaps, Python's share.
"""

import argparse
import asyncio
import contextlib
import gc
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from app.config import Settings
from app.domain.options import GenerationOptions
from app.engine.backends.base import Backend, Piece
from app.engine.backends.llama import LlamaBackend
from app.engine.backends.onnx import OnnxBackend
from app.provider import gguf_provider, onnx_provider
from app.weights import ModelSpec
from benchmarks.figures import save, table, verdict
from benchmarks.quiet import Neighbours, wait_until_quiet

WINDOW, SLOTS = 4352, 8
PREFILL_TOKENS, LONG_TOKENS, ANSWER_TOKENS = 512, 4000, 32
TARGET_PYTHON, TARGET_GAP_SECONDS, TARGET_NEWCOMER = 0.05, 0.3, 1.5

# Figure's name -> its values, a value a round.
Figures = dict[str, list[float]]


def main() -> int:
    """Measure and print; 1 when a target is missed."""
    options = _parser().parse_args()
    figures, python = asyncio.run(measure(options))
    text = report(figures, python)
    print(text)
    save(options.json, {"figures": figures, "python": python})
    return int("MISSED" in text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.onnx_steps", description=__doc__)
    parser.add_argument("--onnx", type=Path, required=True, help="a folder with ONNX weights")
    parser.add_argument("--gguf", type=Path, help="the same weights for llama.cpp, such as Q8_0")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patience", type=float, default=30, help="seconds to wait for quiet")
    parser.add_argument("--json", type=Path, help="file for the raw figures")
    return parser


async def measure(options: argparse.Namespace) -> tuple[dict[str, Figures], list[float]]:
    """Figures by engine, from rounds in which the engines take turns; Python's share of steps."""
    with tempfile.TemporaryDirectory() as folder:
        backends: dict[str, Backend] = {"onnx": _onnx(options.onnx, Path(folder))}
        if options.gguf:
            backends["llama.cpp"] = _llama(options.gguf, Path(folder))
        for backend in backends.values():
            await backend.open()
        figures: dict[str, Figures] = {name: {} for name in backends}
        neighbours = Neighbours([os.getpid()])
        for number in range(options.rounds):
            for name in sorted(backends, reverse=bool(number % 2)):
                wait_until_quiet(neighbours, options.patience)
                neighbours.restart()
                await _round(backends[name], figures[name])
                print(
                    f"round {number}, {name}, neighbours {neighbours.cores():.2f}", file=sys.stderr
                )
        python = await _python_share(backends["onnx"])
        for backend in backends.values():
            await backend.close()
    return figures, python


def _settings() -> Settings:
    return Settings(context_length=WINDOW, parallel_slots=SLOTS, use_gpu="false")


def _onnx(folder: Path, directory: Path) -> Backend:
    weights = ModelSpec("onnx", str(folder / "model.onnx"), "onnx")
    return OnnxBackend.load(onnx_provider.spec(weights, directory, _settings()))


def _llama(file: Path, directory: Path) -> Backend:
    return LlamaBackend.load(
        gguf_provider.spec(ModelSpec("gguf", str(file)), directory, _settings())
    )


async def _round(backend: Backend, figures: Figures) -> None:
    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    began = time.perf_counter()
    await _answer(backend, _prompt(PREFILL_TOKENS), 1, 0)
    note("prefill, tokens/s", PREFILL_TOKENS / (time.perf_counter() - began))
    for rows in (1, SLOTS):
        note(f"decode at {rows}, tokens/s", await _decode(backend, rows))
    alone = await _first(backend, 96, 0)
    _, newcomer = await _beside(backend, 96)
    note("newcomer's first token, times alone", newcomer / alone)
    if len(figures["newcomer's first token, times alone"]) == 1:  # once is long enough
        gap, _ = await _beside(backend, LONG_TOKENS)
        note(f"largest gap while {LONG_TOKENS} tokens arrive, s", gap)


def _prompt(tokens: int) -> list[int]:
    """Of ordinary tokens, never the same twice, so that no cache helps."""
    return [int(token) for token in np.random.default_rng().integers(1000, 20_000, tokens)]


async def _answer(backend: Backend, prompt: list[int], tokens: int, slot: int) -> list[float]:
    """When each piece came; greedy."""
    options = GenerationOptions(temperature=0, max_tokens=tokens)
    return [
        time.perf_counter()
        async for event in backend.generate(prompt, options, slot, False)
        if isinstance(event, Piece)
    ]


async def _first(backend: Backend, tokens: int, slot: int) -> float:
    began = time.perf_counter()
    return (await _answer(backend, _prompt(tokens), 1, slot))[0] - began


async def _decode(backend: Backend, rows: int) -> float:
    """Tokens a second of all rows while all of them decode."""
    asked = [_answer(backend, _prompt(16), 3 * ANSWER_TOKENS, slot) for slot in range(rows)]
    times = await asyncio.gather(*asked)
    start, end = max(came[0] for came in times), min(came[-1] for came in times)
    counted = sum(sum(start < at <= end for at in came) for came in times)
    return counted / (end - start) if end > start else 0.0


async def _beside(backend: Backend, tokens: int) -> tuple[float, float]:
    """Seven rows decode when a prompt arrives: their largest gap, and the first token's time."""
    others = [asyncio.create_task(_endless(backend, slot)) for slot in range(1, SLOTS)]
    await asyncio.sleep(1.5)  # until all of them decode
    began = time.perf_counter()
    first = await _first(backend, tokens, 0)
    ended = time.perf_counter()
    for task in others:
        task.cancel()
    came = await asyncio.gather(*others)
    gaps = [
        after - before
        for times in came
        for before, after in itertools.pairwise(times)
        if after > began and before < ended
    ]
    return max(gaps, default=float("nan")), first


async def _endless(backend: Backend, slot: int) -> list[float]:
    """When each event came, until cancelled."""
    came: list[float] = []
    options = GenerationOptions(temperature=0, max_tokens=WINDOW - 64)
    with contextlib.suppress(asyncio.CancelledError):
        async for _ in backend.generate(_prompt(16), options, slot, False):
            came.append(time.perf_counter())  # noqa: PERF401 - what came before a cancel is kept
    return came


async def _python_share(backend: Backend) -> list[float]:
    """What steps of eight rows spend outside onnxruntime, sampling included."""
    assert isinstance(backend, OnnxBackend)
    shares: list[float] = []
    ends, backend._end_tokens = backend._end_tokens, frozenset()  # nobody leaves early
    with _timed(backend, shares):
        options = GenerationOptions(max_tokens=2 * ANSWER_TOKENS, seed=1)
        gc.collect()

        async def run(slot: int) -> None:
            async for _ in backend.generate(_prompt(16), options, slot, False):
                pass

        await asyncio.gather(*(run(slot) for slot in range(SLOTS)))
    backend._end_tokens = ends
    return shares


@contextmanager
def _timed(backend: OnnxBackend, shares: list[float]) -> Iterator[None]:
    """Note, for each step of all rows, the share of its time that is not the session's run."""
    batch = backend._batch
    session = batch._graph._session
    step, inside = batch.step, [0.0]

    class Timed:
        def __getattr__(self, name: str) -> Any:
            return getattr(session, name)

        def run_with_iobinding(self, binding: Any) -> None:
            began = time.perf_counter()
            session.run_with_iobinding(binding)
            inside[0] += time.perf_counter() - began

    def timed() -> Any:
        inside[0], began = 0.0, time.perf_counter()
        told = step()
        whole = time.perf_counter() - began
        if len(batch._decoding) == SLOTS and not batch._prefilling:
            shares.append(1 - inside[0] / whole)
        return told

    batch._graph._session, batch.step = Timed(), timed  # type: ignore[method-assign]
    try:
        yield
    finally:
        batch._graph._session, batch.step = session, step  # type: ignore[method-assign]


def report(figures: dict[str, Figures], python: list[float]) -> str:
    """Medians side by side, and what the targets say."""
    ours, theirs = figures["onnx"], figures.get("llama.cpp", {})
    rows = []
    for name, values in ours.items():
        mine = statistics.median(values)
        other = statistics.median(theirs[name]) if name in theirs else None
        ratio = f"{mine / other:.2f}" if other else "-"
        rows.append(
            [name, f"{mine:.2f}", f"{other:.2f}" if other else "-", ratio, _judge(name, mine)]
        )
    share = statistics.median(python)
    judged = verdict(share <= TARGET_PYTHON)
    rows.append(["Python's share of a step of 8 rows", f"{share:.3f}", "-", "-", judged])
    return table(["figure (median)", "onnx", "llama.cpp", "ratio", "target"], rows)


def _judge(name: str, value: float) -> str:
    if name.startswith("largest gap"):
        return verdict(value <= TARGET_GAP_SECONDS)
    if name.startswith("newcomer"):
        return verdict(value <= TARGET_NEWCOMER)
    return ""


if __name__ == "__main__":
    sys.exit(main())
