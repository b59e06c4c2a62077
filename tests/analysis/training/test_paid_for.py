"""Kinds of groups, the energy of advantages, and the direction in which they pull."""

from __future__ import annotations

import numpy as np
import pytest

from dryrun.analysis.observations import Observations
from dryrun.analysis.training.advantages import Mode, Rollouts, _terms, fitted_weights, group_kinds, what_if
from dryrun.analysis.training.record import training_of, training_rollouts
from dryrun.core.arrays import Floats
from tests.analysis.training.shaped import PROMPTS, shaped_run

WEIGHTS = {"right": 0.7, "short": 0.3}


def rollouts_of(observed: Observations) -> Rollouts:
    return training_rollouts(observed, training_of(observed).outcome)


def advantages(rollouts: Rollouts, mode: Mode, outcome: str = "") -> Floats:
    total: Floats = np.sum(list(_terms(rollouts, WEIGHTS, mode, outcome).values()), axis=0)
    return total


def test_groups_are_mixed_or_shaped_or_dead() -> None:
    right = np.array([[0, 1], [0, 0], [1, 1], [0, 1]], float)
    reward = np.array([[0.1, 0.9], [0.1, 0.2], [0.9, 0.9], [0.5, 0.5]])
    observed = Observations.of(reward, parts={"correct": right, "rest": reward})
    found = group_kinds(rollouts_of(observed))
    assert found is not None
    assert (found.prompts, found.mixed, found.shaping, found.dead) == (4, 0.25, 0.25, 0.5)
    assert found.mixed_interval.low < 0.25 < found.mixed_interval.high
    assert not found.surely_shaping
    alone = training_of(Observations.of(reward[:1], parts={"correct": right[:1], "rest": reward[:1]}))
    assert (alone.kinds, alone.energy) == (None, None), "one group says nothing of others"


def test_a_shaped_reward_is_paid_for_being_short() -> None:
    found = training_of(shaped_run())
    assert found.outcome.name == "right"
    assert found.mostly_shaping
    assert found.energy is not None
    assert found.energy.interval is not None
    assert found.energy.outcome is not None
    assert found.energy.outcome == pytest.approx(0.2, abs=0.05)
    assert found.energy.interval.low <= found.energy.outcome <= found.energy.interval.high
    assert {part.name: part.weight for part in found.energy.parts} == pytest.approx(WEIGHTS)
    assert sum(part.share for part in found.energy.parts) == pytest.approx(1.0)
    assert {pull.trait for pull in found.harmful} == {"short", "length"}


def test_a_length_term_is_harmless_where_length_does_not_matter() -> None:
    found = training_of(shaped_run(need=0.0))
    assert found.mostly_shaping
    assert found.pulls
    assert found.harmful == ()


def test_shaping_towards_right_answers_is_harmless() -> None:
    found = training_of(shaped_run(need=-3.0))
    assert all(pull.harm > 0 for pull in found.pulls)
    assert found.harmful == ()


@pytest.mark.slow
def test_chance_alone_hardly_ever_looks_like_harm() -> None:
    alarms = sum(bool(training_of(shaped_run(need=0.0, seed=seed)).harmful) for seed in range(60))
    assert alarms <= 5


def test_advantages_by_the_sum_are_those_of_the_reward() -> None:
    rollouts = rollouts_of(shaped_run())
    made = advantages(rollouts, Mode.SUM)
    assert made == pytest.approx(rollouts.normalised(rollouts.reward), abs=1e-9)
    assert np.std(made[rollouts.index == 0]) == pytest.approx(1.0)


def test_each_part_has_its_own_spread_in_gdpo() -> None:
    rollouts = rollouts_of(shaped_run())
    expected = sum(weight * rollouts.normalised(rollouts.parts[name]) for name, weight in WEIGHTS.items())
    assert advantages(rollouts, Mode.EACH) == pytest.approx(expected)


def test_without_std_small_differences_weigh_little() -> None:
    rollouts = rollouts_of(shaped_run())
    assert advantages(rollouts, Mode.UNSCALED) == pytest.approx(rollouts.centred(rollouts.reward))
    shares = {mode: what_if(rollouts, WEIGHTS, mode, "right").outcome or 0.0 for mode in Mode}
    assert shares[Mode.SUM] < shares[Mode.EACH] < shares[Mode.UNSCALED]
    assert shares[Mode.SUM] < shares[Mode.GATED]


def test_a_gate_leaves_prompts_that_are_never_right_alone() -> None:
    rollouts = rollouts_of(shaped_run())
    made = advantages(rollouts, Mode.GATED, "right")
    assert not np.any(made[rollouts.index < PROMPTS * 6 // 10])
    assert np.any(made[rollouts.index >= PROMPTS * 8 // 10])


def test_no_weights_are_made_up_for_a_gated_reward() -> None:
    assert fitted_weights(rollouts_of(shaped_run())) == pytest.approx(WEIGHTS)
    assert fitted_weights(rollouts_of(shaped_run(gate=True))) == {}


def test_one_response_for_each_prompt_says_nothing_of_groups() -> None:
    found = training_of(Observations.of(np.linspace(0, 1, 50)))
    assert (found.kinds, found.energy, found.pulls) == (None, None, ())
    assert found.headroom is not None


def test_a_run_without_scores_has_no_figures() -> None:
    found = training_of(Observations.of(np.full((40, 4), np.nan)))
    assert (found.kinds, found.energy, found.headroom) == (None, None, None)
