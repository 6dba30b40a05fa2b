"""The process that measures weights in one form, by the very backend that serves them.

`python -m app.tuning.worker`: a Job on standard input, a Report on standard output, both JSON.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec
import psutil
from msgspec import Struct

from app.domain.options import GenerationOptions
from app.engine.backends.base import Backend, End, LoadError, Piece
from app.engine.lifeline import die_with_parent
from app.engine.process import load
from app.engine.spec import EngineSpec
from app.tuning.job import Job, Pieces, Report, Windows

LANGUAGES: Final = ("en", "ko")
# Continued from the middle of a text, answers do not end before they are counted.
_OPENING: Final = 24
# Tokens of a piece of text.
WINDOW = 128


class Lap(Struct, frozen=True):
    """One stream: when each of its tokens came, and how fast its prompt was read."""

    times: tuple[float, ...]
    prefill: float


async def measure(spec: EngineSpec, backend: Backend, job: Job) -> Report:
    """All that the job asks for."""
    await backend.open()
    texts = {name: await backend.tokens(text_of(name)) for name in LANGUAGES}
    # What is computed for the first time is slower: memory, threads and caches wake up.
    await _lap(backend, texts["en"][:_OPENING], 4, 0)
    prefill, decode = 0.0, {}
    if job.prompt:
        prefill = (await _lap(backend, _prompt(texts, job.prompt, 0), 1, 0)).prefill
    for streams in job.streams:
        prompts = [_prompt(texts, _OPENING, 31 * number) for number in range(streams)]
        laps = await asyncio.gather(
            *(_lap(backend, ids, job.tokens, slot) for slot, ids in enumerate(prompts))
        )
        decode[str(streams)] = rate(laps)
    if not job.quality:
        return Report(prefill, decode, memory())
    windows = job.windows or await _windows(backend, texts, job.pieces)
    return Report(prefill, decode, memory(), windows, await _losses(spec, backend, windows))


async def _windows(backend: Backend, texts: dict[str, list[int]], pieces: Pieces) -> Windows:
    """Each begins as these weights begin every text."""
    head = await backend.continued("")
    length = WINDOW - len(head)
    starts = [number * length for number in range(*pieces)]
    return {
        name: [[*head, *ids[at : at + length]] for at in starts if at < len(ids) - 1]
        for name, ids in texts.items()
    }


def text_of(language: str) -> str:
    """The bundled text, and the sentences that this server says: written for this project, so no
    model was trained on them."""
    text = files("app.convert").joinpath("texts", f"{language}.txt").read_text("utf-8")
    said = msgspec.json.decode(files("app.i18n").joinpath(f"{language}.json").read_bytes())
    return "\n".join([text, *said.values()])


def _prompt(texts: dict[str, list[int]], length: int, start: int) -> list[int]:
    both = [*texts["en"], *texts["ko"]]
    return [both[(start + place) % len(both)] for place in range(length)]


async def _lap(backend: Backend, prompt: list[int], tokens: int, slot: int) -> Lap:
    options = GenerationOptions(temperature=0, max_tokens=tokens)
    times: list[float] = []
    prefill = 0.0
    async with aclosing(backend.generate(prompt, options, slot, False)) as events:
        async for event in events:
            if isinstance(event, Piece):
                times += [time.perf_counter()] * len(event.tokens)
            elif isinstance(event, End) and event.prompt_ms:
                prefill = 1000 * len(prompt) / event.prompt_ms
    return Lap(tuple(times), prefill)


def rate(laps: Sequence[Lap]) -> float:
    """Tokens per second of all together, while all of them were generating."""
    running = [lap.times for lap in laps if len(lap.times) > 1]
    if not running:
        return 0.0
    start, end = max(times[0] for times in running), min(times[-1] for times in running)
    if end <= start:
        start, end = min(times[0] for times in running), max(times[-1] for times in running)
    count = sum(start < at <= end for times in running for at in times)
    return count / (end - start) if end > start else 0.0


async def _losses(spec: EngineSpec, backend: Backend, windows: Windows) -> dict[str, list[float]]:
    # Late: a job without them loads nothing for them.
    if spec.backend == "onnx":
        from app.tuning.onnx_losses import losses as of_graph

        return {name: of_graph(Path(spec.path), parts) for name, parts in windows.items()}
    from app.engine.backends.llama import LlamaBackend
    from app.engine.backends.llama_losses import losses as of_llama

    assert isinstance(backend, LlamaBackend)
    return {
        name: await of_llama(backend.socket, backend.key, parts, spec.slots)
        for name, parts in windows.items()
    }


def memory() -> int:
    """Bytes of this process, its share of what others have mapped as well."""
    facts = psutil.Process().memory_full_info()
    return int(getattr(facts, "pss", facts.rss))


def main() -> int:
    """1 with a LoadError's text and values as JSON when the weights cannot be loaded."""
    die_with_parent(os.getppid())
    answers = os.fdopen(os.dup(1), "wb")
    # What libraries print is not an answer.
    os.dup2(2, 1)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        backend = load(job.spec)
    except LoadError as error:
        answers.write(msgspec.json.encode({"text": error.text, "values": error.values}))
        answers.close()
        return 1
    answers.write(msgspec.json.encode(asyncio.run(measure(job.spec, backend, job))))
    answers.close()
    # The library's threads end with the process, without its destructors.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
