"""Which text is looked at for whom; what is measured is another test's business."""

from pathlib import Path

from app.domain.model_info import Notice
from app.engine.spec import EngineSpec
from app.tuning.job import Job, Report, Windows
from app.tuning.measuring import UnmeasurableError
from app.tuning.quality import FIRST, MORE, Quality

SPECS = {
    name: EngineSpec(backend="scripted", directory=str(Path()), id=name, path=name)
    for name in ("source", "good", "broken")
}


class Machine:
    """Each token of the source costs 2, of the others 2.1 in more text and 2.3 in the first."""

    def __init__(self, broken: str = "broken") -> None:
        self.broken = broken
        self.asked: list[tuple[str, Windows]] = []

    def __call__(self, job: Job) -> Report:
        name = job.spec.id
        self.asked.append((name, job.windows))
        if name == self.broken:
            raise UnmeasurableError(Notice("tune_died"))
        windows = job.windows or {"en": [[*job.pieces, 7]]}
        extra = 0.0 if name == "source" else 0.1 if windows["en"][0][:2] == [*MORE] else 0.3
        losses = [2.0 + extra] * (30 if windows["en"][0][:2] == [*MORE] else 10)
        return Report(0.0, {}, 0, windows, {"en": losses})


def test_all_are_asked_about_the_tokens_of_the_source() -> None:
    machine = Machine()
    found = Quality(SPECS, machine).of_all()
    assert list(found) == ["source", "good"]
    assert (found["source"].percent, round(found["good"].percent)) == (0, 35)
    first: Windows = {"en": [[*FIRST, 7]]}
    assert machine.asked == [("source", {}), ("good", first), ("broken", first)]


def test_more_text_is_added_to_what_is_known_once() -> None:
    machine = Machine()
    quality = Quality(SPECS, machine)
    quality.of_all()
    more = quality.surer("good")
    assert more is not None
    assert round(more.percent, 1) == 16.2  # e to (10 * 0.3 + 30 * 0.1) / 40
    assert [name for name, _ in machine.asked[3:]] == ["source", "good"]
    assert quality.surer("good") is None
    assert quality.surer("source") is None
    assert quality.surer("broken") is None


def test_without_the_source_nothing_is_known() -> None:
    machine = Machine(broken="source")
    assert Quality(SPECS, machine).of_all() == {}
    assert [name for name, _ in machine.asked] == ["source"]
    assert Quality({}, machine).of_all() == {}
