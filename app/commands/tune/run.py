"""One run of `sllm tune`: what will be tried, the trying, and what is kept of it."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from msgspec import Struct

from app.commands.words import language
from app.config import Settings
from app.domain.model_info import Notice
from app.i18n.notices import words
from app.provider.plan import CPU_BATCH, compute_threads
from app.tuned import choice as choices
from app.tuned.choice import Choice
from app.tuned.machine import Machine, this_machine
from app.tuning.candidates import Candidate, Offer, Wanted, made, offer, source_of
from app.tuning.measuring import UnmeasurableError
from app.tuning.tuner import Figures, Tuner, best_batch, quickest
from app.weights import ModelSpec, WeightsError, ensure, store
from app.weights.memory import available_bytes
from app.weights.task import Task


class Plan(Struct, frozen=True):
    """`free_disk` and `free_memory` in bytes."""

    source: ModelSpec
    sha256: str
    offer: Offer
    machine: Machine
    free_disk: int
    free_memory: int

    def told(self) -> dict[str, Any]:
        """For programs."""
        return {
            "model": self.source.id,
            "machine": self.machine,
            "formats": self.offer.forms,
            "missing": self.offer.missing,
            "disk_needed": self.offer.bytes,
            "free_disk": self.free_disk,
            "free_memory": self.free_memory,
            "notes": words(self.offer.notices, language()),
        }


class Tuned(Struct, frozen=True):
    """What was measured, the source first, and what is best; `notes` tell what was left out."""

    plan: Plan
    candidates: tuple[Candidate, ...]
    figures: dict[str, Figures]
    threads: dict[int, Figures]
    batches: dict[int, Figures]
    best: Candidate
    best_threads: int
    best_batch: int
    notes: tuple[Notice, ...]

    @property
    def source(self) -> str:
        return self.candidates[0].name

    @property
    def gain(self) -> float:
        """How many times as quick as the source the best form is, with the usual settings."""
        return self.figures[self.best.name].score(self.figures[self.source])

    def told(self) -> dict[str, Any]:
        """For programs."""
        disk = {each.name: each.disk for each in self.candidates}
        return {
            "model": self.plan.source.id,
            "machine": self.plan.machine,
            "formats": [
                {"name": name, "disk": disk[name], **msgspec.to_builtins(each),
                 "allowed": name == self.source or each.is_within_bound}
                for name, each in self.figures.items()
            ],
            "threads": {str(count): each.decode for count, each in self.threads.items()},
            "batches": {str(size): each.prefill for size, each in self.batches.items()},
            "best": {"name": self.best.name, "threads": self.best_threads,
                     "batch": self.best_batch, "times": round(self.gain, 3)},
            "notes": words(self.notes, language()),
        }  # fmt: skip


class Run:
    """Used as a context: what was made and is not kept is gone at its end, however it ends."""

    def __init__(
        self, settings: Settings, model: str | None, wanted: Sequence[Wanted], rounds: int,
        task: Task,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._model = settings.sllm_model_path if model is None else model
        self._wanted = wanted
        self._task = task
        self._tuner = Tuner(settings, rounds, task)
        self._made: list[Candidate] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in self._made:
            each.remove()

    def plan(self) -> Plan:
        """Fetches the weights, makes nothing. Raises WeightsError."""
        data_dir = self._settings.data_dir
        source = ensure(self._model, data_dir, self._task)
        sha256 = source.sha256 or store.sha256_of(Path(source.path), self._task)
        made_of = offer(source, sha256, data_dir, self._wanted)
        machine = this_machine(compute_threads())
        free = store.free_bytes(data_dir)
        return Plan(source, sha256, made_of, machine, free, available_bytes())

    def measure(self, plan: Plan) -> Tuned:
        """Blocks for minutes. Raises WeightsError, CancelledError."""
        self._require_disk(plan)
        notes = list(plan.offer.notices)
        candidates = [source_of(plan.source), *self._made_of(plan, notes)]
        figures = self._tuner.forms(candidates)
        source = candidates[0].name
        if source not in figures:
            raise UnmeasurableError(self._tuner.failed[source])
        name = quickest(figures, lambda each: each.is_within_bound)
        best = next(each for each in candidates if each.name == name)
        threads = self._tuner.threads(best.weights)
        count = int(quickest({str(key): each for key, each in threads.items()}, lambda _: True))
        batches = self._tuner.batches(best.weights, count)
        notes += self._tuner.failed.values()
        return Tuned(
            plan, tuple(candidates), figures, threads, batches,
            best, count, best_batch(batches) if batches else CPU_BATCH, tuple(notes),
        )  # fmt: skip

    def keep(self, tuned: Tuned) -> Path:
        """Let servers use it; what was made for it stays. Raises WeightsError."""
        plan, best = tuned.plan, tuned.best
        facts = Path(plan.source.path).stat()
        chosen = Choice(
            revision=choices.REVISION,
            path=plan.source.path,
            size=facts.st_size,
            mtime_ns=facts.st_mtime_ns,
            sha256=plan.sha256,
            machine=plan.machine,
            kind=best.kind,
            form=best.form,
            threads=tuned.best_threads,
            batch=tuned.best_batch,
            made=(*self._made_before(plan), *map(str, best.made)),
            figures=msgspec.to_builtins(tuned.figures),
        )
        data_dir = self._settings.data_dir
        with store.disk_errors(data_dir, plan.source.id, 0):
            path = choices.keep(chosen, data_dir)
        self._made = [each for each in self._made if each is not best]
        return path

    def _made_before(self, plan: Plan) -> tuple[str, ...]:
        """What an earlier choice for these weights has had made, and is still there."""
        try:
            earlier = choices.read(Path(plan.source.path), self._settings.data_dir)
        except (choices.UnusableChoice, OSError):
            return ()
        return tuple(path for path in earlier.made if Path(path).exists()) if earlier else ()

    def _require_disk(self, plan: Plan) -> None:
        if plan.offer.bytes:
            folder = self._settings.data_dir
            folder.mkdir(parents=True, exist_ok=True)
            store.require_space(folder, plan.source.id, plan.offer.bytes)

    def _made_of(self, plan: Plan, notes: list[Notice]) -> list[Candidate]:
        """Every form that can be made; of the others, why not."""
        found = []
        for form in plan.offer.forms:
            try:
                each = made(plan.source, plan.sha256, form, self._settings.data_dir, self._task)
            except WeightsError as error:
                notes.append(Notice("tune_not_made", {"form": form}))
                notes.append(Notice(error.text, dict(error.values)))
                continue
            found.append(each)
            self._made.append(each)
        return found
