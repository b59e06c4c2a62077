"""The pull towards right answers: what it estimates, and what it decides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.figures.readings import follows
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.analysis.verdict.grounds.obstacles import PAY_THE_FORM
from dryrun.analysis.verdict.words import DatasetQuality, GraderQuality
from dryrun.core.thresholds import Thresholds

PROMPTS, K = 150, 8
HOLE = {"empty": np.zeros(20), "refusal": np.zeros(20), "stuffing": np.full(20, 0.9)}


def rights(chance: np.ndarray, seed: int = 0, k: int = K) -> np.ndarray:
    """Which responses are right, of shape (prompts, k)."""
    drawn: np.ndarray = np.random.default_rng(seed).random((chance.size, k)) < chance[:, None]
    return drawn.astype(np.float64)


def judged(score: np.ndarray, right: np.ndarray, junk: Mapping[str, np.ndarray] = HOLE) -> Evidence:
    """A run of which all responses were read."""
    prompt = np.repeat(np.arange(score.shape[0]), score.shape[1])
    read = (score.ravel(), right.ravel())
    anchors = Anchors(reference=np.ones(50), junk=junk, read=read, read_prompt=prompt)
    return diagnose_with_evidence(Observations.of(score), anchors)


def test_the_spread_is_that_within_prompts_alone() -> None:
    right = np.repeat([1.0, 0.0], 40)  # 20 prompts of four: always right, or never
    score = np.where(np.arange(80) % 7 == 0, 0.5, right)
    prompt = np.repeat(np.arange(20), 4)
    found = follows(score, right, prompt)
    assert found is not None
    assert found.spread is not None
    assert found.spread.value == 0.0
    # Wilson's interval of 0 in 60, from its formula: half of the upper end is the variance.
    assert found.spread.interval == pytest.approx((0.0, np.sqrt(0.0602 / 2)), abs=1e-3)
    mixed = np.tile([1.0, 0.0], 40)
    found = follows(np.where(np.arange(80) % 7 == 0, 0.5, mixed), mixed, prompt)
    assert found is not None
    assert found.spread is not None
    assert found.spread.value == pytest.approx(np.std([1, 0, 1, 0], ddof=1))


def test_one_response_to_each_prompt_shows_no_spread() -> None:
    right = np.tile([1.0, 0.0], 40)
    assert follows(right, right) is not None
    for prompt in (None, np.arange(80)):
        found = follows(right, right, prompt)
        assert found is not None
        assert found.spread is None


@pytest.mark.parametrize("chance", [0.08, 0.3, 0.6])
@pytest.mark.parametrize("flips", [0.0, 0.3])
def test_where_prompts_are_alike_it_is_how_far_advantages_point_to_right_answers(
    chance: float, flips: float
) -> None:
    rng = np.random.default_rng(5)
    right = rights(np.full(2000, chance))
    score = np.where(rng.random(right.shape) < flips, 1 - right, right)
    centred = score - score.mean(axis=1, keepdims=True)
    advantage = centred / (score.std(axis=1, ddof=1, keepdims=True) + 1e-4)
    known = judged(score[:400], right[:400]).measures.signal
    assert known is not None
    assert known.pull is not None
    assert known.pull.value == pytest.approx(float((advantage * right).mean()), rel=0.3, abs=0.02)


def test_prompts_that_are_nearly_all_right_or_wrong_gain_next_to_nothing() -> None:
    chance = np.where(np.arange(PROMPTS) < 22, 0.5, np.where(np.arange(PROMPTS) % 2, 0.0, 1.0))
    right = rights(chance)
    found = judged(right, right, junk={})
    index = found.measures.signal
    assert index is not None
    assert index.pull is not None
    assert index.value >= 0.10
    assert index.pull.value < 0.05
    assert (found.verdict, found.dataset_quality) == ("NO-GO", DatasetQuality.POLARISED)
    assert "Pull towards right answers 0.0" in found.attribution.reasons[0]


def test_rare_right_answers_under_partial_credit_are_too_hard() -> None:
    rng = np.random.default_rng(6)
    right = rights(np.full(PROMPTS, 0.015), seed=2)
    score = np.clip(0.3 + 0.25 * rng.normal(size=right.shape), 0, 0.8)
    score = np.where(right == 1, 1.0, score)
    found = judged(score, right, junk={})
    assert found.document.verdict == "GO"
    assert (found.verdict, found.dataset_quality) == ("NO-GO", DatasetQuality.TOO_HARD)
    assert "how much the responses to one prompt differ in being right" in found.attribution.reasons[0]


def loosely_paid(share: float) -> tuple[np.ndarray, np.ndarray]:
    """Rewards that follow right answers in this share of the responses, else a coin."""
    rng = np.random.default_rng(7)
    right = rights(rng.uniform(0.2, 0.8, PROMPTS))
    coin = (rng.random(right.shape) < 0.5).astype(np.float64)
    return np.where(rng.random(right.shape) < share, right, coin), right


def test_a_hole_is_a_condition_where_real_responses_pull_towards_right_answers() -> None:
    score, right = loosely_paid(0.25)
    found = judged(score, right)
    index = found.measures.signal
    assert index is not None
    assert index.least is not None
    assert index.least < Thresholds().warn_signal  # too little for findings of real responses
    assert (found.verdict, found.headline) == ("GO", "GO, with conditions")
    assert found.conditions[0].code == "outweighed"
    assert "(stuffing) earn at least 0.90" in found.conditions[0].sentence


def test_a_hole_blocks_where_real_responses_pull_nowhere() -> None:
    score, right = loosely_paid(0.0)
    found = judged(score, right)
    assert (found.verdict, found.grader_quality) == ("NO-GO", GraderQuality.HACKABLE)


def test_a_small_pull_is_a_condition() -> None:
    right = rights(np.full(PROMPTS, 0.12), seed=3)
    score = np.where(np.random.default_rng(8).random(right.shape) < 0.2, 1 - right, right)
    found = judged(score, right, junk={})
    index = found.measures.signal
    assert index is not None
    assert index.pull is not None
    assert 0.05 <= index.pull.value < 0.15
    assert found.verdict == "GO"
    assert "weak_signal" in [condition.code for condition in found.conditions]


def test_a_no_go_of_the_tree_says_that_groups_would_teach_by_what_real_responses_earn() -> None:
    right = rights(np.full(PROMPTS, 0.06), seed=4)
    found = judged(right, right)
    assert found.document.verdict == "NO-GO"
    assert "of groups would teach" in found.headline
    assert found.grader_quality is GraderQuality.HACKABLE
    assert found.actions[0].sentence.startswith("Close that hole in the grader.")
    assert judged(right, right, junk={}).actions[0].sentence.startswith("Drop the prompts that scored 0")
    wrong = judged(right, rights(np.full(PROMPTS, 0.06), seed=9))
    assert wrong.headline == "NO-GO"


def test_a_strict_form_would_teach_where_some_responses_have_it() -> None:
    right = rights(np.full(PROMPTS, 0.4), seed=5)
    formed = rights(np.full(PROMPTS, 0.15), seed=6)
    found = judged(right * formed, right, junk={})
    assert found.document.verdict == "NO-GO"
    assert found.grader_quality is GraderQuality.TOO_STRICT
    assert "of groups would teach" in found.headline
    assert found.attribution.first_step == PAY_THE_FORM
    assert f"Next: {PAY_THE_FORM}" in found.sentences
    never = judged(right * formed, rights(np.full(PROMPTS, 0.4), seed=7), junk={})
    assert never.headline == "NO-GO"


@pytest.mark.slow
def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    chance, flips, held = 0.3, 0.2, 0
    paid = chance * (1 - flips) + (1 - chance) * flips
    # Covariance of the score with being right, from both chances.
    both = chance * (1 - flips) - chance * paid
    truth = both / np.sqrt(paid * (1 - paid))  # correlation times the spread of being right
    for seed in range(200):
        right = rights(np.full(80, chance), seed=seed, k=4)
        flipped = np.random.default_rng(1000 + seed).random(right.shape) < flips
        index = judged(np.where(flipped, 1 - right, right), right).measures.signal
        assert index is not None
        assert index.pull is not None
        low, high = (end / index.usable for end in index.pull.interval)
        held += low <= truth <= high
    assert 0.92 <= held / 200 <= 1.0
