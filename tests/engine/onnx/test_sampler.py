"""Sampling against a slow, obvious reference, and the seeds."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import SllmError
from app.domain.options import GenerationOptions
from app.engine.onnx.sampler import PENALTY_WINDOW, Sampler, candidates

OPTIONS = st.builds(
    GenerationOptions,
    temperature=st.sampled_from([0.1, 0.7, 1.0, 2.0]),
    top_p=st.sampled_from([0.05, 0.5, 0.9, 0.95, 1.0]),
    top_k=st.sampled_from([0, 1, 2, 5, 40, 1000]),
    min_p=st.sampled_from([0.0, 0.05, 0.3, 1.0]),
)
PENALTIES = st.builds(
    GenerationOptions,
    temperature=st.just(0.0),
    repeat_penalty=st.sampled_from([0.5, 1.0, 1.1, 2.0]),
    presence_penalty=st.sampled_from([-2.0, 0.0, 0.5, 2.0]),
    frequency_penalty=st.sampled_from([-2.0, 0.0, 0.5, 2.0]),
)
SIZES = st.sampled_from([1, 2, 63, 64, 65, 200, 5000])


def logits_of(size: int, seed: int, spread: float = 3) -> np.ndarray:
    """Distinct values, so that there is one right order."""
    random = np.random.default_rng(seed)
    values = np.linspace(-4 * spread, spread, size, dtype=np.float32)
    return random.permutation(values)


def shares(logits: list[float], options: GenerationOptions) -> dict[int, float]:
    """The probability of every token that may be drawn, in plain Python."""
    order = sorted(range(len(logits)), key=lambda token: -logits[token])
    if options.top_k:
        order = order[: options.top_k]
    peak = logits[order[0]]
    odds = [math.exp(logits[token] - peak) for token in order]
    total, summed, nucleus = sum(odds), 0.0, []
    for token, odd in zip(order, odds, strict=True):
        nucleus.append(token)
        summed += odd / total
        if options.top_p < 1 and summed >= options.top_p:
            break
    kept = [token for token in nucleus if math.exp(logits[token] - peak) >= options.min_p]
    hot = {token: math.exp((logits[token] - peak) / options.temperature) for token in kept}
    return {token: odd / sum(hot.values()) for token, odd in hot.items()}


@given(OPTIONS, SIZES, st.integers(0, 99))
def test_the_candidates_are_those_of_the_definition(
    options: GenerationOptions, size: int, seed: int
) -> None:
    logits = logits_of(size, seed)
    expected = shares(logits.tolist(), options)
    tokens, values = candidates(logits, options)
    # A share that lies on the limit itself may fall on either side by rounding.
    assert abs(len(tokens) - len(expected)) <= 1
    assert set(tokens.tolist()) >= set(expected) or set(tokens.tolist()) <= set(expected)
    assert values.tolist() == sorted(values.tolist(), reverse=True)
    assert logits[tokens].tolist() == values.tolist()


@given(PENALTIES, st.lists(st.integers(0, 30), max_size=100), st.integers(0, 99))
def test_penalties_fall_on_the_window_s_tokens(
    options: GenerationOptions, prompt: list[int], seed: int
) -> None:
    logits = logits_of(31, seed)
    expected = logits.astype(float)
    for token, count in Counter(prompt[-PENALTY_WINDOW:]).items():
        value = expected[token]
        value = value * options.repeat_penalty if value <= 0 else value / options.repeat_penalty
        expected[token] = value - count * options.frequency_penalty - options.presence_penalty
    chosen = Sampler(options, prompt).choose(logits)
    assert np.allclose(logits, expected, rtol=1e-5, atol=1e-5)
    assert chosen == int(np.argmax(logits))


def test_what_was_chosen_is_in_the_window() -> None:
    options = GenerationOptions(temperature=0, presence_penalty=2)
    sampler = Sampler(options, [])
    flat = np.array([1.0, 0.5, 0.0], np.float32)
    assert [sampler.choose(flat.copy()) for _ in range(3)] == [0, 1, 2]


def test_draws_have_the_right_frequencies() -> None:
    options = GenerationOptions(temperature=1.3, top_k=4, top_p=1, min_p=0, seed=1)
    logits = logits_of(50, 3)
    expected = shares(logits.tolist(), options)
    sampler, rounds = Sampler(options, []), 20_000
    drawn = Counter(sampler.choose(logits.copy()) for _ in range(rounds))
    assert set(drawn) == set(expected)
    for token, share in expected.items():
        # Five standard deviations; the seed is fixed.
        allowed = 5 * math.sqrt(share * (1 - share) / rounds)
        assert abs(drawn[token] / rounds - share) < allowed


def test_a_seed_repeats_whoever_else_draws() -> None:
    options = GenerationOptions(temperature=1.5, top_k=0, top_p=1, min_p=0, seed=7)
    steps = [logits_of(300, step) for step in range(30)]
    alone, again, other = (Sampler(options, []) for _ in range(3))
    stranger = Sampler(GenerationOptions(temperature=2, seed=8), [])
    first = [alone.choose(step.copy()) for step in steps]
    second = []
    for step in steps:
        stranger.choose(step.copy())
        second.append(again.choose(step.copy()))
    assert first == second
    assert first != [stranger.choose(step.copy()) for step in steps]
    assert other.choose(steps[0].copy()) == first[0]


def test_without_a_seed_two_requests_differ() -> None:
    options = GenerationOptions(temperature=2, top_k=0, top_p=1, min_p=0)
    flat = np.zeros(1000, np.float32)
    one, two = Sampler(options, []), Sampler(options, [])
    assert [one.choose(flat.copy()) for _ in range(8)] != [
        two.choose(flat.copy()) for _ in range(8)
    ]


@given(OPTIONS, st.integers(0, 99))
def test_an_excluded_token_is_never_drawn(options: GenerationOptions, seed: int) -> None:
    logits = logits_of(200, seed)
    allowed = {3, 77, 150}
    logits[[token for token in range(200) if token not in allowed]] = -np.inf
    sampler = Sampler(options, [])
    assert {sampler.choose(logits.copy()) for _ in range(20)} <= allowed


def test_greedy_takes_the_first_of_equals() -> None:
    sampler = Sampler(GenerationOptions(temperature=0), [])
    assert sampler.choose(np.zeros(10, np.float32)) == 0


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_logits_that_are_no_numbers_are_an_error(temperature: float) -> None:
    sampler = Sampler(GenerationOptions(temperature=temperature, seed=1), [])
    with pytest.raises(SllmError) as caught:
        sampler.choose(np.full(2_000, np.nan, np.float32))
    assert caught.value.text == "onnx_not_a_number"
