"""A miniature of the simulators: their parts are what they say, and the index foretells gain."""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from tests.simulators import held_out
from tests.simulators.__main__ import main
from tests.simulators.cases import CASES, Condition, conditions
from tests.simulators.graders import paying
from tests.simulators.grpo import GROUP, advantages, train
from tests.simulators.policy import ACTIONS, FAMILIES, IMPOSSIBLE, RIGHT, Setting, untrained
from tests.simulators.runs import simulated
from tests.simulators.summary import auc, forecast, summarised
from tests.simulators.third.chain import GATE, LENGTH, OWN, SKILL, Chain, chain
from tests.simulators.third.policies import THIRD_FAMILIES
from tests.simulators.third.rewards import THIRD_CASES

FEW = ("clean", "compressed", "strict_form_rare", "coin", "inverted", "format_only", "length_alone")
RNG = np.random.default_rng


def test_the_held_out_list_names_what_there_is_and_leaves_about_half() -> None:
    assert set(held_out.FAMILIES) <= set(FAMILIES)
    assert set(held_out.CASES) <= set(CASES)
    apart = [one.half == "held-out" for one in conditions(1) if not one.third]
    assert 0.4 <= sum(apart) / len(apart) <= 0.6


@pytest.mark.parametrize("family", FAMILIES)
def test_a_policy_gives_chances_and_climbs_towards_what_is_paid(family: str) -> None:
    policy = untrained(family, Setting(), 40, 4, RNG(1))
    chances = policy.chances(np.arange(40))
    assert chances.shape == (40, ACTIONS)
    assert chances.sum(axis=1) == pytest.approx(np.ones(40))
    assert chances[:, IMPOSSIBLE].max() < 1e-9
    before = policy.accuracy()
    for _ in range(20):
        policy.climb(np.arange(40), chances * (RIGHT - (chances @ RIGHT)[:, None]), 1.0)
    assert policy.accuracy() > before


def test_advantages_sum_to_nothing_and_do_not_depend_on_the_scale() -> None:
    score = RNG(2).random((6, GROUP))
    score[0] = 0.5
    found = advantages(score)
    assert found.sum(axis=1) == pytest.approx(np.zeros(6))
    assert (found[0] == 0).all()
    assert found[1:] == pytest.approx(advantages(0.2 + 0.3 * score)[1:], rel=0.01)


@pytest.mark.parametrize("family", FAMILIES)
def test_right_rewards_gain_and_inverted_ones_lose(family: str) -> None:
    for case, sign in (("clean", 1), ("inverted", -1)):
        policy = untrained(family, Setting(), 120, 8, RNG(3))
        grader = CASES[case].make(policy.topic, RNG(4))
        assert sign * train(policy, grader, RNG(5)) > 0.05


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("family", THIRD_FAMILIES)
def test_policies_of_the_third_set_gain_by_right_rewards_and_lose_by_inverted_ones(family: str) -> None:
    for pay, sign in ((RIGHT, 1), (1 - RIGHT, -1)):
        policy = THIRD_FAMILIES[family](Setting(), 240, 8, RNG(3))
        assert sign * train(policy, paying(pay)(policy.topic, RNG(4)), RNG(5)) > 0.02


def test_a_chain_climbs_along_the_gradient_of_its_chances() -> None:
    policy = chain(Setting(), 20, 4, RNG(1))
    assert isinstance(policy, Chain)
    prompts, possible = np.arange(20), ~IMPOSSIBLE
    slope = np.zeros((20, ACTIONS))
    slope[:, possible] = RNG(2).normal(size=(20, possible.sum()))
    slope[:, possible] -= slope[:, possible].mean(axis=1, keepdims=True)

    def worth() -> float:
        return float((slope * np.log(np.maximum(policy.chances(prompts), 1e-300)))[:, possible].sum())

    moved = deepcopy(policy)
    moved.climb(prompts, slope, 1.0)
    for part, after, scale in (
        (policy.skill, moved.skill, SKILL / 20),
        (policy.tries, moved.tries, GATE / 20),
        (policy.length, moved.length, LENGTH / 20),
        (policy.own, moved.own, OWN),
    ):
        step = after - part
        for number in range(part.size):
            here = worth()
            part[number] += 1e-6
            assert (worth() - here) / 1e-6 == pytest.approx(step[number] / scale, abs=1e-3)
            part[number] -= 1e-6


@pytest.mark.slow
def test_each_condition_of_the_third_set_can_be_judged_and_trained() -> None:
    wanted = [one for one in conditions(1) if one.third]
    assert len({(one.family, one.case) for one in wanted}) == len(THIRD_FAMILIES) * len(THIRD_CASES)
    assert {one.half for one in wanted} == {"third", "third-read"}
    assert sum(one.half == "third-read" for one in wanted) / len(wanted) == pytest.approx(0.25, abs=0.02)
    assert not {one.seed for one in wanted} & {one.seed for one in conditions(1) if not one.third}
    for family, case in zip(
        list(THIRD_FAMILIES) * 2, ("judge_of_ten", "times_out", "stale_key"), strict=False
    ):
        run = simulated(Condition(family, case, "middling", 0))
        assert run.half.startswith("third")
        assert run.verdict in ("GO", "NO-GO")


def test_auc_counts_ties_half() -> None:
    assert auc(np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, False, True, True])) == 0.875
    assert np.isnan(auc(np.array([1.0]), np.array([True])))


@pytest.mark.slow
def test_the_index_foretells_gain_better_than_the_tree() -> None:
    families = [family for family in FAMILIES if family not in held_out.FAMILIES]
    runs = [simulated(Condition(family, case, "middling", 0)) for family in families for case in FEW]
    assert simulated(Condition(families[0], FEW[0], "middling", 0)) == runs[0]
    assert {run.half for run in runs} == {"open"}
    index, tree = forecast(runs, "signal_index"), forecast(runs, "tree")
    assert index["auc"] >= 0.95 > tree["auc"]
    assert index["low"] <= index["auc"] <= index["high"]
    assert forecast(runs, "oracle")["auc"] >= 0.95
    assert summarised(runs)["go_that_hardly_gain"]["number"] == 0


def test_the_command_writes_figures_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "gain.json"
    few = [Condition("bandits", case, "middling", 0) for case in ("clean", "coin", "dead_groups")]
    monkeypatch.setattr("tests.simulators.__main__.conditions", lambda repeats: iter(few * repeats))
    monkeypatch.setattr(sys, "argv", ["simulators", "--out", str(out), "--repeats", "1"])
    main()
    kept = json.loads(out.read_text("utf-8"))
    assert [run["case"] for run in kept["runs"]] == ["clean", "coin"]  # the third is held out
    assert kept["figures"]["runs"] == 2


@pytest.mark.parametrize("case", ["rubric_of_form", "verifier_misses_most"])
def test_a_reward_that_teaches_is_not_stopped_by_made_up_answers(case: str) -> None:
    run = simulated(Condition("chain", case, "easy", 0))
    assert run.gain > 0.05
    assert (run.tree, run.verdict) == ("GO", "GO")
    assert "outweighed" in run.conditions


def test_a_hard_task_under_a_strict_mean_says_that_groups_would_teach() -> None:
    run = simulated(Condition("skill", "clean", "hard", 0))
    assert run.gain > 0.05
    assert run.verdict == "NO-GO"
    assert run.teaches


def test_a_judged_run_knows_scores_and_groups_alone() -> None:
    run = simulated(Condition("slow", "judge_of_ten", "middling", 0))
    assert not run.checked
    assert not {"follows", "pull", "ceiling", "noise"} & {
        name for name, value in run.figures.items() if value
    }
