"""In which form weights are served here: as `sllm tune` chose, as the catalogue advises, or as they
came. Whatever is wrong with the first two, the third remains.
"""

import os
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from app.domain.model_info import Notice
from app.engine.spec import EngineSpec
from app.provider.plan import compute_threads
from app.tuned import choice as choices
from app.tuned.choice import Choice, UnusableChoice
from app.tuned.machine import this_machine
from app.weights import ModelSpec, WeightsError, requantized
from app.weights.catalog import find
from app.weights.onnx_files import choose_graph, is_onnx_folder
from app.weights.preflight import check
from app.weights.spec import Form
from app.weights.task import Task


class Served(Struct, frozen=True):
    """`weights` with what was measured for them; `notices` tell what kept them from better ones."""

    weights: ModelSpec
    choice: Choice | None = None
    notices: tuple[Notice, ...] = ()

    def applied(self, spec: EngineSpec) -> EngineSpec:
        """`spec` of these weights, with the measured settings, and honest about all of it."""
        told: dict[str, int | str | bool] = {}
        if self.weights.made_from:
            told["made_from"] = self.weights.made_from
        if self.choice is not None:
            told["tuned"] = True
            spec = replace(spec, threads=self.choice.threads, batch=self.choice.batch)
        return replace(spec, told=told, notices=(*self.notices, *spec.notices))

    def as_it_came(self, weights: ModelSpec, error: WeightsError) -> "Served":
        """The way back to the source, and why."""
        notices = _slower(weights, Notice(error.text, dict(error.values)))
        return Served(weights, notices=(*self.notices, *notices))


def best(weights: ModelSpec, data_dir: Path, task: Task) -> Served:
    """Blocks while a copy is made. Raises CancelledError, and nothing else that is foreseen."""
    chosen, notices = _choice(weights, data_dir)
    if chosen is not None:
        found = _chosen(weights, chosen, data_dir)
        if found is not None:
            return Served(found, chosen)
        notices = (Notice("tuned_missing", {"model": weights.id}),)
    advised = _advised(weights, data_dir, task)
    return replace(advised, notices=(*notices, *advised.notices))


def _choice(weights: ModelSpec, data_dir: Path) -> tuple[Choice | None, tuple[Notice, ...]]:
    """What was measured for these weights on this machine, or why that does not count."""
    try:
        found = choices.read(Path(weights.path), data_dir)
        if found is None:
            return None, ()
        if not found.fits(Path(weights.path)):
            return None, (Notice("tuned_other_weights", {"model": weights.id}),)
    except (UnusableChoice, OSError) as error:
        values = {"model": weights.id, "reason": _reason(error)}
        return None, (Notice("tuned_unreadable", {**values}),)
    if found.machine != this_machine(compute_threads()):
        return None, (Notice("tuned_elsewhere", {"model": weights.id}),)
    return found, ()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return os.strerror(error.errno or 0)
    return str(error)[:120]


def _chosen(weights: ModelSpec, chosen: Choice, data_dir: Path) -> ModelSpec | None:
    """The weights in the form that was chosen; None when they are gone."""
    if chosen.kind == "source":
        return weights
    if chosen.kind == "onnx":
        folder = Path(chosen.form)
        if not is_onnx_folder(folder):
            return None
        return replace(
            weights, path=str(choose_graph(folder).absolute()), format="onnx", made_from="GGUF"
        )
    form: Form | None = next((each for each in requantized.FORMS if each == chosen.form), None)
    source = Path(weights.path)
    path = requantized.present(source, chosen.sha256, form, data_dir) if form else None
    return _copy(weights, path) if path else None


def _advised(weights: ModelSpec, data_dir: Path, task: Task) -> Served:
    """The catalogue's advice, made here once."""
    entry = find(weights.entry or "")
    if entry is None or entry.served_as is None or weights.sha256 is None:
        return Served(weights)
    source = Path(weights.path)
    try:
        path = requantized.make(source, weights.sha256, entry.served_as, data_dir, task)
        return Served(_copy(weights, path))
    except WeightsError as error:
        return Served(weights, notices=_slower(weights, Notice(error.text, dict(error.values))))


def _copy(weights: ModelSpec, path: Path) -> ModelSpec:
    return replace(weights, path=str(path), made_from=check(Path(weights.path)).quantization)


def _slower(weights: ModelSpec, reason: Notice) -> tuple[Notice, ...]:
    return Notice("weights_as_they_came", {"file": Path(weights.path).name}), reason
