"""What is chosen of measured figures, and that the measuring holds on real weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.config import Settings
from app.tuning.candidates import made, source_of
from app.tuning.job import Report
from app.tuning.loss import Loss, loss, of_logits
from app.tuning.tuner import Figures, Tuner, best_batch, figures, quickest, settled
from app.tuning.worker import Lap, rate
from app.weights import ModelSpec
from app.weights.task import Task


def speeds(prefill: float, one: float, eight: float, percent: float | None = 0.0) -> Figures:
    lost = None if percent is None else Loss(percent, 0.1, {"ko": (percent, 0.1)})
    return Figures(prefill, {"1": one, "8": eight}, 0, 0.0, lost)


def bounded(each: Figures) -> bool:
    return each.is_within_bound


def test_the_quickest_within_the_bound_is_chosen() -> None:
    found = {
        "source": speeds(100, 50, 100),
        "good": speeds(150, 55, 150, 0.1),
        "lossy": speeds(300, 90, 300, 4.0),
    }
    assert quickest(found, bounded) == "good"


def test_what_was_not_compared_is_not_chosen() -> None:
    found = {"source": speeds(100, 50, 100), "unknown": speeds(300, 90, 300, None)}
    assert quickest(found, bounded) == "source"


def test_what_may_be_quicker_by_chance_is_not_chosen() -> None:
    found = {"source": speeds(100, 50, 100), "same": speeds(102, 51, 101)}
    assert quickest(found, bounded) == "source"


def test_one_language_may_not_pay_for_the_other() -> None:
    uneven = Loss(0.2, 0.1, {"en": (-1.0, 0.1), "ko": (1.4, 0.1)})
    assert not Figures(1, {}, 0, 0, uneven).is_within_bound
    vague = Loss(0.2, 0.1, {"en": (-1.0, 0.6), "ko": (1.4, 0.6)})
    assert Figures(1, {}, 0, 0, vague).is_within_bound


def open_at(percent: float, error: float) -> Figures:
    return Figures(300, {"1": 90, "8": 300}, 0, 0, Loss(percent, error, {"ko": (percent, error)}))


def test_who_would_be_chosen_is_looked_at_until_it_is_clear() -> None:
    found = {
        "source": speeds(100, 50, 100),
        "slower": speeds(150, 55, 150, 0.1),
        "open": open_at(1.0, 0.6),
    }
    asked = []

    def surer(percent: float, error: float) -> Callable[[str], Loss | None]:
        more = [Loss(percent, error, {"ko": (percent, error)})]

        def look(name: str) -> Loss | None:
            asked.append(name)
            return more.pop() if more else None

        return look

    assert quickest(settled(found, surer(0.4, 0.01)), bounded) == "open"
    assert quickest(settled(found, surer(0.9, 0.1)), bounded) == "slower"
    assert asked == ["open", "open"]
    # As open as before: then the estimate counts.
    assert quickest(settled(found, surer(0.4, 0.3)), bounded) == "open"
    assert quickest(settled(found, surer(0.7, 0.3)), bounded) == "slower"


def test_nobody_is_looked_at_twice_who_is_clear_or_slower() -> None:
    found = {
        "source": speeds(100, 50, 100),
        "lossy": open_at(9.0, 0.5),
        "open, but slow": Figures(50, {"1": 20, "8": 30}, 0, 0, Loss(0.4, 0.4, {})),
        "good": speeds(150, 55, 150, 0.1),
    }

    def surer(name: str) -> Loss | None:
        raise AssertionError(name)

    assert quickest(settled(found, surer), bounded) == "good"


def test_a_batch_does_not_keep_others_waiting() -> None:
    def prefill(speed: float) -> Figures:
        return Figures(speed, {}, 0, 0)

    assert best_batch({128: prefill(100), 64: prefill(90), 512: prefill(200)}) == 128
    assert best_batch({128: prefill(1000), 512: prefill(2000)}) == 512
    assert best_batch({128: prefill(1000), 512: prefill(1010)}) == 128


def test_medians_of_rounds_and_how_far_they_lay_apart() -> None:
    rounds = [Report(each, {"1": 10.0}, 5) for each in (100.0, 120.0, 110.0)]
    found = figures(rounds)
    assert (found.prefill, found.decode, found.memory) == (110.0, {"1": 10.0}, 5)
    assert found.spread == pytest.approx(20 / 110)


def test_a_rate_counts_while_all_were_running() -> None:
    early = Lap(tuple(place / 10 for place in range(21)), 0)
    late = Lap(tuple(1 + place / 10 for place in range(21)), 0)
    assert rate([early]) == pytest.approx(10)
    assert rate([early, late]) == pytest.approx(20)
    assert rate([Lap((), 0)]) == 0


def test_losses_are_those_of_the_softmax() -> None:
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], np.float32))
    found = of_logits(np.array([0, 1]), logits)
    assert found.tolist() == pytest.approx([np.log(4)])
    compared = loss({"en": [1.0, 2.0]}, {"en": [1.1, 2.1]})
    assert compared.percent == pytest.approx(100 * np.expm1(0.1))
    assert compared.error == pytest.approx(0, abs=1e-9)


@pytest.mark.weights
def test_eight_bits_lose_nothing_of_the_embedded_model(
    embedded: ModelSpec, weights_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Enough to be counted: speed is not what is looked at.
    monkeypatch.setattr("app.tuning.tuner.PROMPT", 32)
    monkeypatch.setattr("app.tuning.tuner.TOKENS", 4)
    assert embedded.sha256 is not None
    task = Task()
    tuner = Tuner(Settings(data_dir=weights_dir, use_gpu="false"), 1, task)
    eight = made(embedded, embedded.sha256, "Q8_0", weights_dir, task)
    found = tuner.forms([source_of(embedded), eight])
    assert tuner.failed == {}
    assert list(found) == ["Q4_1", "Q8_0"]
    lost = found["Q8_0"].loss
    assert lost is not None
    assert abs(lost.percent) < 0.5
    assert found["Q8_0"].is_within_bound
    assert all(each.memory > 100_000_000 for each in found.values())
