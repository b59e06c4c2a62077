"""The planner: published sample sizes, published errors of the usable share, and plain simulation."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from dryrun.analysis.sample_size import (
    GRID_PROMPTS,
    GRID_ROLLOUTS,
    Spread,
    assumed,
    at_mean,
    foresee,
    learned,
    mean_half_width,
    right_side,
    standard_error,
    usable_half_width,
)
from tests.helpers.observed import observe


def of_std(std: float) -> Spread:
    """All of it between prompts, as with one response."""
    return Spread(0.42, 0.0, std)


@pytest.mark.parametrize(("std", "prompts"), [(0.21, 189), (0.35, 523), (0.49, 1025)])
def test_prompts_for_three_hundredths_are_the_notes(std: float, prompts: int) -> None:
    assert mean_half_width(prompts, 1, of_std(std)) == pytest.approx(0.03, abs=1e-4)


@pytest.mark.parametrize(
    ("std", "distance", "prompts"), [(0.21, 0.03, 133), (0.21, 0.02, 299), (0.49, 0.05, 260)]
)
def test_prompts_to_be_on_the_right_side_are_the_notes(std: float, distance: float, prompts: int) -> None:
    assert right_side(prompts, 1, of_std(std), distance) == pytest.approx(0.95, abs=2e-3)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("alpha", "beta", "rollouts", "error"),
    [
        (2.0, 2.0, 2, 0.038),
        (2.0, 2.0, 4, 0.023),
        (2.0, 2.0, 8, 0.018),
        (0.5, 0.5, 2, 0.056),
        (0.5, 0.5, 4, 0.035),
        (0.5, 0.5, 8, 0.028),
        (0.3, 0.9, 4, 0.034),
    ],
)
def test_the_error_of_the_usable_share_is_that_of_the_notes(
    alpha: float, beta: float, rollouts: int, error: float
) -> None:
    """Root mean squared errors measured at 300 prompts, groups of 8; for Beta(2, 2) with 8 responses that of
    a plain share, sqrt(0.89 * 0.11 / 300), since nothing is extrapolated there."""
    mean, icc = alpha / (alpha + beta), 1 / (alpha + beta + 1)
    spread = Spread(mean, math.sqrt((1 - icc) * mean * (1 - mean)), math.sqrt(icc * mean * (1 - mean)))
    found = usable_half_width(300, rollouts, spread)
    assert found is not None
    assert found / 1.96 == pytest.approx(error, rel=0.15)


@pytest.mark.parametrize("rollouts", [1, 2, 8])
def test_width_and_side_are_what_samples_show(rollouts: int) -> None:
    """4,000 samples of a pass/fail grader whose true mean is 0.08."""
    rng = np.random.default_rng(rollouts)
    mean, icc, prompts = 0.08, 0.5, 200
    strength = (1 - icc) / icc
    rates = rng.beta(mean * strength, (1 - mean) * strength, size=(4000, prompts))
    means = (rng.binomial(rollouts, rates) / rollouts).mean(axis=1)
    std = math.sqrt(mean * (1 - mean))
    spread = Spread(mean, std * math.sqrt(1 - icc), std * math.sqrt(icc))
    assert means.std() == pytest.approx(standard_error(prompts, rollouts, spread), rel=0.04)
    assert (means < 0.10).mean() == pytest.approx(right_side(prompts, rollouts, spread), abs=0.03)
    assert foresee(prompts, rollouts, assumed(pass_fail=True)).side == pytest.approx(
        right_side(prompts, rollouts, spread), abs=1e-3
    )


@pytest.mark.slow
def test_one_response_says_nothing_of_groups_and_more_of_anything_never_hurts() -> None:
    assert foresee(300, 1, assumed(pass_fail=True)).usable is None
    spread, sizes = assumed(pass_fail=True), product(GRID_PROMPTS, GRID_ROLLOUTS)
    table = {(prompts, rollouts): foresee(prompts, rollouts, spread) for prompts, rollouts in sizes}
    assert len(table) == 16
    for prompts, rollouts in table:
        if (prompts, rollouts * 2) in table:
            assert table[prompts, rollouts * 2].mean < table[prompts, rollouts].mean
        if prompts == 100:
            assert table[500, rollouts].side > table[100, rollouts].side
    usable = [table[300, rollouts].usable for rollouts in (2, 4, 8)]
    assert usable == sorted(usable, reverse=True)  # type: ignore[type-var]


@pytest.mark.slow
def test_many_prompts_are_reckoned_from_five_hundred() -> None:
    spread = assumed(pass_fail=True)
    half = usable_half_width(500, 4, spread)
    assert half is not None
    assert usable_half_width(2000, 4, spread) == pytest.approx(half / 2)


def test_an_earlier_run_tells_within_and_between() -> None:
    rng = np.random.default_rng(0)
    rates = rng.beta(1, 1, 2000)
    found = learned(observe((rng.random(8000) < np.repeat(rates, 4)).astype(float), rollouts=4))
    assert found is not None
    assert found.learned
    assert found.icc == pytest.approx(1 / 3, abs=0.03)
    assert found.std == pytest.approx(0.5, abs=0.01)
    alone = learned(observe(rng.random(500)))
    assert alone is not None
    assert not alone.split
    assert alone.icc == pytest.approx(0.5)
    assert learned(observe([0.3])) is None


def test_near_a_threshold_scores_cannot_spread_wider_than_zero_and_one_allow() -> None:
    assert at_mean(assumed(pass_fail=True), 0.08).std == pytest.approx(math.sqrt(0.08 * 0.92))
    assert at_mean(assumed(pass_fail=False), 0.08).std == pytest.approx(0.21)
