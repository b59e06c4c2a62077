"""pass@K beyond the responses there are, its interval, and the word for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy

from dryrun.analysis.training.headroom import (
    RATES,
    STEPS,
    Headroom,
    Prospect,
    _log_likelihood,
    headroom,
    prospect,
    topic_headroom,
)
from dryrun.core.thresholds import Thresholds

K = 8
Draw = Callable[[np.random.Generator, int], np.ndarray[tuple[int], np.dtype[np.float64]]]

DISTRIBUTIONS: dict[str, Draw] = {
    "some never": lambda rng, n: np.where(rng.random(n) < 0.3, 0, rng.beta(1, 3, n)),
    "U-shaped": lambda rng, n: rng.beta(0.3, 0.4, n),
    "never or even": lambda rng, n: np.where(rng.random(n) < 0.5, 0.0, 0.5),
    "hard": lambda rng, n: rng.beta(0.5, 8, n),
    "logit-normal": lambda rng, n: 1 / (1 + np.exp(-rng.normal(-1.5, 1.5, n))),
    "rare or sometimes": lambda rng, n: rng.choice([0.01, 0.3], n),
    "four kinds": lambda rng, n: rng.choice([0, 0.02, 0.3, 1.0], n, p=[0.4, 0.1, 0.3, 0.2]),
}
LEAST = {"four kinds": 0.5}
"""Coverage of what is far from the model: `docs/verdict.md` names it."""


def drawn(draw: Draw, seed: int, prompts: int = 120) -> Headroom:
    rng = np.random.default_rng(seed)
    found = headroom(rng.binomial(K, draw(rng, prompts)), np.full(prompts, K))
    assert found is not None
    return found


def truth(draw: Draw, k: int) -> float:
    chance = draw(np.random.default_rng(99), 200_000)
    return float((1 - (1 - chance) ** k).mean())


def test_the_likelihood_is_that_of_a_zero_inflated_beta_binomial() -> None:
    points = np.array([[0.2, -0.5, np.log(3.0)], [0.7, 1.0, np.log(0.4)]])
    pairs = np.array([[0, 8], [3, 8], [4, 4]])
    often = np.array([5.0, 2.0, 1.0])
    found = _log_likelihood(points, pairs, often)[:, RATES == 0.0].ravel()
    for (out, logit, log_strength), value in zip(points, found, strict=True):
        mean, strength = 1 / (1 + np.exp(-logit)), np.exp(log_strength)
        shape = (mean * strength, (1 - mean) * strength)
        chance = (1 - out) * scipy.stats.betabinom.pmf(pairs[:, 0], pairs[:, 1], *shape)
        # Orders of right and wrong responses are a constant, which the likelihood leaves out.
        orders = np.array([1.0, 56.0, 1.0])
        expected = often @ np.log(chance / orders + out * (pairs[:, 0] == 0))
        assert value == pytest.approx(expected, rel=1e-9)


def test_the_curve_rises_and_starts_at_the_share_of_right_responses() -> None:
    found = drawn(DISTRIBUTIONS["some never"], 1, prompts=400)
    values = [point.value for point in found.curve]
    assert [point.k for point in found.curve] == list(STEPS)
    assert values == sorted(values)
    assert values[0] == pytest.approx(truth(DISTRIBUTIONS["some never"], 1), abs=0.03)
    assert found.gain == pytest.approx(values[-1] - values[0])
    assert all(point.interval.low <= point.value <= point.interval.high for point in found.curve)


def test_few_prompts_say_nothing() -> None:
    assert headroom(np.full(19, 1), np.full(19, K)) is None


@pytest.mark.parametrize(("solved", "word"), [(0, Prospect.TEACH_FIRST), (K, Prospect.LITTLE)])
def test_prompts_that_are_all_alike(solved: int, word: Prospect) -> None:
    found = headroom(np.full(200, solved), np.full(200, K))
    assert found is not None
    assert prospect(found, 0.0, Thresholds()) is word


def test_mixed_groups_with_headroom_are_there_to_sharpen() -> None:
    rng = np.random.default_rng(3)
    found = headroom(rng.binomial(K, rng.uniform(0.1, 0.5, 200)), np.full(200, K))
    assert found is not None
    assert prospect(found, 0.9, Thresholds()) is Prospect.SHARPEN
    assert prospect(found, 0.1, Thresholds()) is None


def test_topics_stand_with_the_largest_headroom_first() -> None:
    solved = np.r_[np.full(40, K), np.tile([0, 1, 2, 3], 10), np.full(5, 2)]
    topics = ["easy"] * 40 + ["open"] * 40 + ["few"] * 5
    found = topic_headroom(solved, np.full(solved.size, K), topics)
    assert [one.topic for one in found] == ["open", "easy"]
    assert topic_headroom(solved, np.full(solved.size, K), ["one"] * solved.size) == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_intervals_hold_the_truth_as_often_as_they_say(name: str) -> None:
    """Nominal 95 %; 0.75 leaves room for the 40 runs and for distributions that the model has not."""
    draw = DISTRIBUTIONS[name]
    runs = [drawn(draw, seed) for seed in range(40)]
    for at, k in enumerate(STEPS):
        expected, spans = truth(draw, k), [run.curve[at].interval for run in runs]
        assert np.mean([low <= expected <= high for low, high in spans]) >= LEAST.get(name, 0.75), k
