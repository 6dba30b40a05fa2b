"""What each form loses against the source: on some text first, and on more of it where that leaves
open whether the quickest form is good enough.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from app.engine.spec import EngineSpec
from app.tuning.job import Job, Losses, Pieces, Report, Windows
from app.tuning.loss import Loss, loss
from app.tuning.measuring import UnmeasurableError

# Pieces of text in each language. GGUF weights are asked token by token, which takes its time.
FIRST: Final[Pieces] = (0, 4)
MORE: Final[Pieces] = (4, 16)

Measure = Callable[[Job], Report]


class Quality:
    """Of the forms `specs`, the first of which is the source; all are asked about its tokens."""

    def __init__(self, specs: Mapping[str, EngineSpec], measure: Measure) -> None:
        self._specs = specs
        self._source = next(iter(specs), "")
        self._measure = measure
        self._windows: dict[Pieces, Windows] = {}
        self._losses: dict[str, Losses] = {}
        self._surer: set[str] = set()

    def of_all(self) -> dict[str, Loss]:
        """By name, of all that tell; quality that is not known is no reason to leave a form out,
        only not to choose it."""
        for name in self._specs:
            self._look(name, FIRST)
        return {name: self._loss(name) for name in self._losses if self._source in self._losses}

    def surer(self, name: str) -> Loss | None:
        """The loss of `name` on more text; None where there is no more to be learned."""
        if name in self._surer or name == self._source or name not in self._losses:
            return None
        self._surer.add(name)
        if self._source not in self._surer:
            self._surer.add(self._source)
            self._look(self._source, MORE)
        return self._loss(name) if self._look(name, MORE) else None

    def _look(self, name: str, pieces: Pieces) -> bool:
        """Whether losses were added. Nobody is asked about tokens that the source has not."""
        windows = self._windows.get(pieces, {})
        if name != self._source and not windows:
            return False
        job = Job(self._specs[name], quality=True, windows=windows, pieces=pieces)
        try:
            report = self._measure(job)
        except UnmeasurableError:
            return False
        self._windows[pieces] = report.windows
        known = self._losses.setdefault(name, {})
        for language, found in report.losses.items():
            known.setdefault(language, []).extend(found)
        return True

    def _loss(self, name: str) -> Loss:
        """On the text that both have been asked about, which comes first in both."""
        return loss(_cut(self._losses[self._source], self._losses[name]), self._losses[name])


def _cut(losses: Losses, other: Losses) -> dict[str, Sequence[float]]:
    return {language: losses[language][: len(found)] for language, found in other.items()}
