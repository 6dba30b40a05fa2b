"""Drafts from what prompt and answer repeat (n-gram speculation): where they pay.

`python -m benchmarks.speculation --gguf FILE [FILE…]`: llama.cpp with and without, side by side in
one run, through our backend; every question is asked of both sides in turn, greedy.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from math import isnan
from pathlib import Path
from typing import Any, Final
from unittest import mock

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.config import Settings
from app.domain.messages import Message
from app.domain.options import GenerationOptions
from app.engine.backends import llama
from app.engine.backends.llama import LlamaBackend
from app.engine.backends.llama_request import completion_body
from app.provider import gguf_provider
from app.weights import ModelSpec
from benchmarks.figures import Spread, save, table
from benchmarks.quiet import Neighbours
from benchmarks.speculation_prompts import PROMPTS

WINDOW, SLOTS = 1536, 4
ANSWER_TOKENS: Final = 160
HEADERS: Final = (
    "weights", "answers", "streams", "drafts", "times as fast", "tokens a run", "right",
    "same answer", "neighbours",
)  # fmt: skip
# How many tokens must have come before, and how many are drafted at most.
SIDES: Final = {"off": None, "3 to 8": (3, 8), "6 to 12": (6, 12)}


class Answer(Struct, frozen=True):
    """What a side made of a question: `seconds` of decoding, tokens that were `drafted` and those
    of them that were `accepted`."""

    text: str
    tokens: int
    seconds: float
    drafted: int
    accepted: int


class Ratio(Struct, frozen=True):
    """What drafts made of a question, or of several at once: tokens a second to those without,
    tokens for each run of the model (which no neighbour changes), the share of drafts that was
    right, and whether the answers are the same. `neighbours` is what others used, in cores."""

    file: str
    kind: str
    side: str
    streams: int
    ratio: float
    per_run: float
    right: float
    same: bool
    neighbours: float


def main() -> None:
    """Measure and print."""
    options = _parser().parse_args()
    ratios: list[Ratio] = []
    for file in options.gguf:
        ratios += asyncio.run(measure(file, options))
    print(report(ratios))
    save(options.json, ratios_as_rows(ratios))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speculation", description=__doc__)
    parser.add_argument("--gguf", type=Path, nargs="+", required=True, help="weights")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--kinds", nargs="+", choices=list(PROMPTS), default=list(PROMPTS))
    parser.add_argument("--threads", type=int, help="of the engine; one bears neighbours best")
    parser.add_argument("--tokens", type=int, default=ANSWER_TOKENS, help="of an answer, at most")
    parser.add_argument("--json", type=Path, help="file for the raw figures")
    return parser


async def measure(file: Path, options: argparse.Namespace) -> list[Ratio]:
    """Every kind of question, at each number of streams, on all sides in turn."""
    ratios: list[Ratio] = []
    with tempfile.TemporaryDirectory() as folder:
        sides = {name: _load(file, Path(folder), name, options.threads) for name in SIDES}
        for backend in sides.values():
            await backend.open()
        for number in range(options.rounds):
            turns = dict(sorted(sides.items(), reverse=bool(number % 2)))
            for streams in options.streams:
                for kind in options.kinds:
                    found = await _compare(turns, file, kind, streams, options.tokens)
                    ratios += found
                    print(report(found), file=sys.stderr)
        for backend in sides.values():
            await backend.close()
    return ratios


def _load(file: Path, folder: Path, side: str, threads: int | None) -> LlamaBackend:
    directory = folder / side.replace(" ", "-")
    directory.mkdir()
    settings = Settings(context_length=WINDOW, parallel_slots=SLOTS, use_gpu="false")
    spec = gguf_provider.spec(ModelSpec("gguf", str(file)), directory, settings)
    spec = replace(spec, threads=threads or spec.threads)
    usual = llama._params

    def drafting(*given: Any) -> Any:
        return _with_drafts(usual(*given), SIDES[side])

    with mock.patch.object(llama, "_params", drafting):
        return LlamaBackend.load(spec)


def _with_drafts(params: Any, sizes: tuple[int, int] | None) -> Any:
    """The engine's own parameters, and llama.cpp's lookup in the tokens of a slot."""
    import xllamacpp

    if sizes is not None:
        kinds = xllamacpp.common_speculative_type
        params.speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
        params.speculative.ngram_simple.size_n, params.speculative.ngram_simple.size_m = sizes
    return params


async def _compare(
    sides: dict[str, LlamaBackend], file: Path, kind: str, streams: int, tokens: int
) -> list[Ratio]:
    """One round of a kind: a stream asks each of its questions, several all of them at once."""
    ratios = []
    questions = PROMPTS[kind]
    groups = [(each,) for each in questions] if streams == 1 else [questions * (streams // 2)]
    neighbours = Neighbours([os.getpid()])
    for asked in groups:
        answers = {name: await _together(sides[name], asked, tokens) for name in sides}
        plain = answers.pop("off")
        busy = neighbours.cores()
        ratios += [
            Ratio(file.name, kind, name, streams, *_against(plain, found), neighbours=busy)
            for name, found in answers.items()
        ]
    return ratios


def _against(plain: list[Answer], found: list[Answer]) -> tuple[float, float, float, bool]:
    """The ratio, tokens for each run, the share of drafts that was right, the same or not."""
    tokens, drafted = sum(each.tokens for each in found), sum(each.drafted for each in found)
    accepted = sum(each.accepted for each in found)
    same = [each.text for each in found] == [each.text for each in plain]
    right = accepted / drafted if drafted else float("nan")
    return _rate(found) / _rate(plain), tokens / (tokens - accepted), right, same


async def _together(backend: LlamaBackend, asked: tuple[str, ...], tokens: int) -> list[Answer]:
    return await asyncio.gather(
        *(_answer(backend, text, slot, tokens) for slot, text in enumerate(asked))
    )


async def _answer(backend: LlamaBackend, text: str, slot: int, most: int) -> Answer:
    """As the backend asks, but with all that the server says at the end."""
    prompt = await backend.prompt([Message("user", text)])
    options = GenerationOptions(temperature=0, max_tokens=most)
    body = completion_body(prompt, options, slot, reuse=True)
    said, last = "", {}
    async with backend._client.stream("/completion", body) as chunks:
        async for data in chunks:
            last = msgspec.json.decode(data)
            said += last.get("content", "")
    timings = last["timings"]
    return Answer(
        said,
        tokens=last["tokens_predicted"],
        seconds=timings["predicted_ms"] / 1000,
        drafted=timings.get("draft_n", 0),
        accepted=timings.get("draft_n_accepted", 0),
    )


def _rate(answers: list[Answer]) -> float:
    """The streams' tokens a second, added up."""
    return sum(each.tokens / each.seconds for each in answers)


def report(ratios: list[Ratio]) -> str:
    """A row for each file, kind, side and number of streams."""
    groups: dict[tuple[str, str, int, str], list[Ratio]] = {}
    for each in ratios:
        groups.setdefault((each.file, each.kind, each.streams, each.side), []).append(each)
    rows = []
    for (*names, streams, side), found in groups.items():
        spread = Spread.of(each.ratio for each in found)
        rows.append(
            [
                *map(str, names), str(streams), side, spread.text(2),
                f"{_median(found, 'per_run'):.2f}", _percent(_median(found, "right")),
                f"{sum(each.same for each in found)}/{len(found)}",
                f"{_median(found, 'neighbours'):.1f}",
            ]
        )  # fmt: skip
    return table(HEADERS, rows)


def _median(found: list[Ratio], name: str) -> float:
    return statistics.median([float(getattr(each, name)) for each in found])


def _percent(share: float) -> str:
    return "-" if isnan(share) else f"{100 * share:.0f} %"


def ratios_as_rows(ratios: list[Ratio]) -> list[dict[str, Any]]:
    return [{field: getattr(each, field) for field in each.__struct_fields__} for each in ratios]


if __name__ == "__main__":
    main()
