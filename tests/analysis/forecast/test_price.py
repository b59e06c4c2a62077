"""Tokens, hours and dollars, and the size of groups."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.forecast.group_size import possible_group_sizes, proposal_words, proposed, sizes_by_rates
from dryrun.analysis.forecast.price import TrainingPlan, Usage, forecast
from dryrun.analysis.training.pass_rates import pass_rates


def usage(usable: float = 0.5, prompt: float = 100.0, completion: float = 300.0) -> Usage:
    return Usage(prompt, completion, False, usable, Interval(usable - 0.1, usable + 0.1))


def test_every_figure_by_hand() -> None:
    plan = TrainingPlan(
        steps=10,
        prompts=4,
        group=8,
        prompt_price=1.0,
        completion_price=4.0,
        hourly_price=36.0,
        tokens_per_second=960.0,
        seconds_per_step=10.0,
        judge_price=0.01,
    )
    found = forecast(plan, usage())
    assert found.responses == 320
    assert (found.prompt_tokens, found.completion_tokens) == (32_000, 96_000)
    assert found.hours == pytest.approx((96_000 / 960 + 10 * 10) / 3600)
    tokens, machines, judge = 0.032 + 0.384, 36 * 200 / 3600, 3.2
    assert found.dollars == pytest.approx(tokens + machines + judge)
    assert found.judge_dollars == pytest.approx(judge)
    assert found.useful_groups == 20
    assert found.tokens_per_useful_group == 8 * 400 / 0.5
    assert found.fill_factor == 2
    assert found.dead_dollars == pytest.approx(0.5 * (tokens + machines + judge))


def test_nothing_is_said_without_its_inputs() -> None:
    found = forecast(TrainingPlan(), usage())
    assert found.hours is None
    assert found.dollars is None
    assert found.dead_dollars is None


def test_no_group_that_teaches_has_no_price() -> None:
    found = forecast(TrainingPlan(), Usage(1, 1, False, 0.0, Interval(0.0, 0.1)))
    assert found.tokens_per_useful_group is None
    assert found.fill_factor is None


def test_an_hourly_price_needs_a_pace() -> None:
    with pytest.raises(ValidationError, match="needs a pace"):
        TrainingPlan(hourly_price=56.0)


def test_a_published_run_is_met() -> None:
    """Together's GRPO quick start on GSM8K (docs, November 2026): 200 steps, about 4 h at $56, about $200.

    Its page gives the hours, so the pace is 72 seconds a step; what is tested is that the sum is theirs.
    """
    found = forecast(TrainingPlan(steps=200, hourly_price=56.0, seconds_per_step=72.0), usage())
    assert found.hours == pytest.approx(4.0)
    assert found.dollars is not None
    assert 200 / 1.25 <= found.dollars <= 200 * 1.25


def test_larger_groups_are_proposed_where_right_answers_are_rare() -> None:
    rng = np.random.default_rng(0)

    def size(mean: float) -> int:
        chance = rng.beta(8 * mean, 8 * (1 - mean), 300)
        score = (rng.random((300, 16)) < chance[:, None]).astype(float)
        best = proposed(possible_group_sizes(score.ravel(), np.repeat(np.arange(300), 16)))
        assert best is not None
        return best.size

    assert size(0.03) > size(0.5)
    assert size(0.5) <= 8


def test_the_curve_is_right_on_planted_chances() -> None:
    chance = np.repeat([0.1, 0.5], 400)
    score = (np.random.default_rng(1).random((800, 16)) < chance[:, None]).astype(float)
    sizes = possible_group_sizes(score.ravel(), np.repeat(np.arange(800), 16))
    for size in sizes:
        truth = np.mean(1 - chance**size.size - (1 - chance) ** size.size)
        if size.size <= 16:
            assert size.usable == pytest.approx(truth, abs=0.04)
        assert size.responses == pytest.approx(size.size / size.usable)


def test_no_size_far_beyond_the_responses_is_proposed() -> None:
    """A quarter of the prompts is never right; from 4 responses to each the curve would rise to 64."""
    rng = np.random.default_rng(3)
    chance = np.where(rng.random(300) < 0.4, 0.0, rng.random(300) ** 2)
    score = (rng.random((300, 4)) < chance[:, None]).astype(float)
    sizes = possible_group_sizes(score.ravel(), np.repeat(np.arange(300), 4))
    best = proposed(sizes)
    assert best is not None
    assert best.size == 16
    assert "not known from 4 responses to each" in proposal_words(sizes)


def test_the_curve_of_chosen_rows_follows_their_own_rates() -> None:
    """Counts give posteriors, the posteriors' means the curve: equal to that of the planted chances."""
    rng = np.random.default_rng(5)
    chance = rng.beta(2.0, 5.0, 4000)
    right = rng.binomial(8, chance).astype(np.int64)
    found = pass_rates(right, np.full(4000, 8), np.zeros(4000, np.int64), 8)
    band = (found.rate >= 0.1) & (found.rate <= 0.9)
    for size in sizes_by_rates(found.rate[band], found.learnability[band]):
        truth = np.mean(1 - chance[band] ** size.size - (1 - chance[band]) ** size.size)
        assert size.usable == pytest.approx(truth, abs=0.02)
    by_rates = sizes_by_rates(found.rate[band], found.learnability[band])
    assert next(one.usable for one in by_rates if one.size == 8) == pytest.approx(
        found.mixed[band].mean(), abs=0.02
    )
    assert sizes_by_rates(np.zeros(0), np.zeros(0)) == ()


def test_one_response_a_prompt_has_no_groups() -> None:
    assert possible_group_sizes(np.ones(5), np.arange(5)) == ()
    assert proposed(()) is None
