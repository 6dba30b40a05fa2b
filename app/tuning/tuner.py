"""Measuring forms and settings in turns, and choosing the quickest within the bound of quality."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil
from msgspec import Struct
from msgspec.structs import replace

from app.config import Settings
from app.domain.model_info import Notice
from app.engine.spec import EngineSpec
from app.provider.plan import CPU_BATCH, compute_threads
from app.provider.sllm_provider import plain
from app.tuning.candidates import Candidate
from app.tuning.job import Job, Report
from app.tuning.loss import Loss
from app.tuning.measuring import UnmeasurableError, run
from app.tuning.quality import Quality
from app.weights import ModelSpec, WeightsError
from app.weights.task import Task

STREAMS: Final = (1, 8)
WINDOW: Final = 1024
PROMPT, TOKENS = 256, 48
BATCHES: Final = (64, 128, 256, 512)
# What is not quicker by this much may be so by chance.
NOTABLE: Final = 1.03
# While a batch is computed, the other streams stand still.
LONGEST_PAUSE: Final = 0.5
MOST_PERCENT: Final = 0.5


class Figures(Struct, frozen=True):
    """Medians in tokens per second; `spread` is how far the rounds lay apart, as a part of the
    median, at the worst."""

    prefill: float
    decode: dict[str, float]
    memory: int
    spread: float
    loss: Loss | None = None

    def score(self, base: "Figures") -> float:
        """How many times as quick as `base`, the geometric mean of all figures."""
        pairs = [(self.prefill, base.prefill)]
        pairs += [(self.decode[name], base.decode[name]) for name in base.decode]
        logs = [math.log(ours / theirs) for ours, theirs in pairs if ours > 0 and theirs > 0]
        return math.exp(statistics.fmean(logs)) if logs else 1.0

    @property
    def is_within_bound(self) -> bool:
        """A language must not lose more either, as far as its error lets one say so."""
        if self.loss is None:
            return False
        by_language = self.loss.languages.values()
        return self.loss.percent <= MOST_PERCENT and all(
            percent - 2 * error <= MOST_PERCENT for percent, error in by_language
        )

    @property
    def is_open(self) -> bool:
        """Whether the loss is so near to the bound that its error could carry it across."""
        if self.loss is None:
            return False
        return abs(self.loss.percent - MOST_PERCENT) < 2 * self.loss.error


class Tuner:
    """One run over forms of the same weights, `rounds` times each, in turns."""

    def __init__(self, settings: Settings, rounds: int, task: Task) -> None:
        window = {"context_length": WINDOW, "parallel_slots": max(STREAMS)}
        self._settings = settings.model_copy(update=window)
        self._rounds = rounds
        self._task = task
        self.failed: dict[str, Notice] = {}

    def forms(self, candidates: Sequence[Candidate]) -> dict[str, Figures]:
        """By name; the first is the source, whose texts the others are asked about. What does not
        run is in `failed`."""
        specs = self._specs(candidates)
        quality = Quality(specs, lambda job: run(job, self._task))
        losses = quality.of_all()
        jobs = {name: self._job(spec) for name, spec in specs.items()}
        found = {
            name: replace(each, loss=losses.get(name))
            for name, each in self._measured(jobs).items()
        }
        return settled(found, quality.surer)

    def _specs(self, candidates: Sequence[Candidate]) -> dict[str, EngineSpec]:
        """Of all that fit into memory."""
        found = {}
        for each in candidates:
            try:
                found[each.name] = self._spec(each.weights)
            except WeightsError as error:
                self.failed[each.name] = Notice(error.text, dict(error.values))
        return found

    def threads(self, weights: ModelSpec) -> dict[int, Figures]:
        """By number of threads, this machine's usual number first."""
        usual = compute_threads()
        counts = [usual, *sorted({1, usual // 2, psutil.cpu_count() or usual} - {0, usual})]
        spec = self._spec(weights)
        jobs = {str(count): self._job(replace(spec, threads=count)) for count in counts}
        return {int(name): each for name, each in self._measured(jobs).items()}

    def batches(self, weights: ModelSpec, threads: int) -> dict[int, Figures]:
        """By size, the usual one first; only prefill is measured."""
        spec = replace(self._spec(weights), threads=threads)
        sizes = [CPU_BATCH, *(size for size in BATCHES if size != CPU_BATCH)]
        jobs = {str(size): Job(replace(spec, batch=size), prompt=2 * PROMPT) for size in sizes}
        return {int(name): each for name, each in self._measured(jobs).items()}

    def _spec(self, weights: ModelSpec) -> EngineSpec:
        """As a server would have it; its directory is the measuring process's business."""
        return plain(weights, Path(), self._settings)

    def _job(self, spec: EngineSpec) -> Job:
        return Job(spec, PROMPT, TOKENS, STREAMS)

    def _measured(self, jobs: Mapping[str, Job]) -> dict[str, Figures]:
        """Rounds in which all take turns, in changing order."""
        reports: dict[str, list[Report]] = {name: [] for name in jobs}
        names, done = list(jobs), 0
        for number in range(self._rounds):
            turn = number % max(1, len(names))
            for name in [*names[turn:], *names[:turn]]:
                report = self._try(name, jobs[name])
                if report is not None:
                    reports[name].append(report)
                done += 1
                self._task.progress.advance(", ".join(names), done, self._rounds * len(names))
        return {name: figures(each) for name, each in reports.items() if each}

    def _try(self, name: str, job: Job) -> Report | None:
        if name in self.failed:
            return None
        try:
            return run(job, self._task)
        except UnmeasurableError as error:
            self.failed[name] = error.reason
            return None


def figures(reports: Sequence[Report]) -> Figures:
    """Of the rounds of one form."""
    decode = {name: [each.decode[name] for each in reports] for name in reports[0].decode}
    prefill = [each.prefill for each in reports]
    return Figures(
        prefill=statistics.median(prefill),
        decode={name: statistics.median(values) for name, values in decode.items()},
        memory=max(each.memory for each in reports),
        spread=max(map(_spread, [prefill, *decode.values()])),
    )


def _spread(values: Sequence[float]) -> float:
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def quickest(found: Mapping[str, Figures], allowed: Callable[[Figures], bool]) -> str:
    """The name of the best; the first, unless another is notably quicker."""
    first = next(iter(found))
    scores = {
        name: each.score(found[first])
        for name, each in found.items()
        if name == first or allowed(each)
    }
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= NOTABLE else first


def settled(found: dict[str, Figures], surer: Callable[[str], Loss | None]) -> dict[str, Figures]:
    """With more text for whichever form would be chosen, or would be if its loss were a bit less,
    until it is clear."""

    def hopeful(each: Figures) -> bool:
        return each.is_within_bound or each.is_open

    while True:
        best = quickest(found, hopeful)
        more = surer(best) if found[best].is_open else None
        if more is not None:
            found = found | {best: replace(found[best], loss=more)}
        elif found[best].is_within_bound or best == next(iter(found)):
            return found
        else:
            # As sure as can be, and not good enough.
            rest = {name: each for name, each in found.items() if name != best}
            return found | settled(rest, surer)


def best_batch(found: Mapping[int, Figures]) -> int:
    """The quickest that lets the others wait no longer than they should; the usual one, unless
    another is notably better."""
    fitting = {
        str(size): each
        for size, each in found.items()
        if size == CPU_BATCH or (each.prefill and size / each.prefill <= LONGEST_PAUSE)
    }
    return int(quickest(fitting, lambda _: True))
