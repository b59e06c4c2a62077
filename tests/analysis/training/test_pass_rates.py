"""Pass rates after shrinkage: planted rates are held, chances come true, topics have their own prior."""

from __future__ import annotations

import numpy as np
import pytest

from dryrun.analysis.training.pass_rates import PassRates, pass_rates
from tests.simulators.profile import WORLDS, covered, plug_in, reliability, rms, world

ONE_TOPIC = np.zeros(400, np.int64)


def shrunk(right: list[int], tried: list[int]) -> PassRates:
    return pass_rates(np.array(right), np.array(tried), np.zeros(len(right), np.int64), 8)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("responses", [2, 4, 8])
def test_intervals_hold_the_planted_rate_as_often_as_they_say(name: str, responses: int) -> None:
    held = [covered(world(WORLDS[name], 300, responses, seed)) for seed in range(20)]
    assert 0.92 <= float(np.mean(held)) <= 0.985


@pytest.mark.parametrize("name", WORLDS)
def test_shrunk_rates_are_nearer_the_truth_than_raw_shares(name: str) -> None:
    one = world(WORLDS[name], 400, 2, 1)
    assert rms(one.found.rate - one.rate) < rms(one.right / one.tried - one.rate)


def test_predicted_rates_and_mixed_groups_come_true() -> None:
    worlds = [world(draw, 3000, 2, seed, most=8) for seed, draw in enumerate(WORLDS.values())]
    rate = np.concatenate([one.found.rate for one in worlds])
    fresh = np.concatenate([one.fresh / 8 for one in worlds])
    mixed = np.concatenate([one.found.mixed for one in worlds])
    seen = np.concatenate([one.mixed for one in worlds]).astype(float)
    for predicted, happened in ((rate, fresh), (mixed, seen)):
        large = [(said, was) for said, was, count in reliability(predicted, happened) if count > 500]
        assert max(abs(said - was) for said, was in large) < 0.04
    naive = np.concatenate([plug_in(one.right, one.tried) for one in worlds])
    worst = max(abs(said - was) for said, was, count in reliability(naive, seen) if count > 500)
    assert worst > 0.2, "the plug-in value is what the posterior predictive one mends"


def test_extremes_are_drawn_in_and_order_is_kept() -> None:
    found = shrunk([0] * 40 + [1] * 60 + [2] * 40, [2] * 140)
    none, half, all_ = found.rate[0], found.rate[50], found.rate[-1]
    assert 0.0 < none < half < all_ < 1.0
    assert found.low[0] == pytest.approx(0.0, abs=0.01)
    assert (found.low <= found.rate).all()
    assert (found.rate <= found.high).all()


def test_a_mixed_group_is_less_likely_than_the_plug_in_value_says() -> None:
    rng = np.random.default_rng(0)
    right = rng.binomial(4, rng.beta(0.5, 0.5, 400))
    found = pass_rates(right, np.full(400, 4), ONE_TOPIC, 8)
    half = right == 2
    assert found.mixed[half].mean() < plug_in(np.array([2]), np.array([4]))[0]
    assert found.mixed[right == 0].mean() > 0.02


def test_a_prompt_without_responses_has_the_prior() -> None:
    found = shrunk([0, *[4] * 30, *[0] * 30], [0, *[4] * 60])
    assert 0.3 < found.rate[0] < 0.7
    assert found.high[0] - found.low[0] > 0.9


def test_a_topic_has_a_prior_of_its_own() -> None:
    right = np.array([0] * 100 + [2] * 100 + [1, 1])
    topic = np.array([0] * 100 + [1] * 100 + [0, 1])
    found = pass_rates(right, np.full(202, 2), topic, 8)
    assert found.rate[200] < found.rate[201]


def test_more_responses_decide() -> None:
    few, many = shrunk([0] * 50 + [1] * 50, [2] * 100), shrunk([0] * 50 + [8] * 50, [16] * 100)
    assert many.never[0] > few.never[0]
    assert many.high[0] < few.high[0]


def test_the_order_of_prompts_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    right, tried, topic = rng.integers(0, 3, 300), np.full(300, 2), rng.integers(0, 4, 300)
    places = rng.permutation(300)
    one = pass_rates(right, tried, topic, 8)
    other = pass_rates(right[places], tried[places], topic[places], 8)
    assert np.array_equal(one.rate[places], other.rate)
    assert np.array_equal(one.at(places).mixed, other.mixed)
