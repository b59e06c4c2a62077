"""Each 95 % interval covers the truth in about 95 of 100 simulated worlds: seeded, within Monte-Carlo error.

With 300 worlds the error of a share of 0.95 is 0.013; 0.91 to 0.99 is three of it. Where an interval is
known to be wide (extrapolation, scores at the edge), only the lower end is held.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dryrun.analysis.figures.anchors import Anchors, scale
from dryrun.analysis.figures.groups import MANY, groups, usable_interval, usable_share
from dryrun.analysis.figures.pooling import pooled_topics
from dryrun.analysis.figures.readings import follows, readings
from dryrun.analysis.figures.redraw import Interval, PromptSums
from dryrun.analysis.verdict.grounds.blame import blame, blame_by_people
from dryrun.analysis.verdict.stability import stability
from dryrun.analysis.verdict.tree import Branch
from dryrun.core.thresholds import Thresholds

WORLDS = 300
Draw = Callable[[np.random.Generator, int], np.ndarray]


def covered(intervals: list[Interval], truth: float) -> float:
    return float(np.mean([one.low <= truth <= one.high for one in intervals]))


def clipped_normal(rng: np.random.Generator, prompts: int, k: int = 4) -> np.ndarray:
    own = rng.normal(0.4, 0.15, prompts)
    return np.clip(own[:, None] + rng.normal(0, 0.15, (prompts, k)), 0, 1)


@pytest.mark.slow
def test_mean_and_std_over_prompts() -> None:
    whole = clipped_normal(np.random.default_rng(0), 200_000)
    rng = np.random.default_rng(1)
    found = [
        stability(clipped_normal(rng, 100).ravel(), np.repeat(np.arange(100), 4), Thresholds(), 400, world)
        for world in range(WORLDS)
    ]
    assert 0.91 <= covered([one.mean for one in found if one], float(whole.mean())) <= 0.99
    assert 0.89 <= covered([one.std for one in found if one], float(whole.std())) <= 0.99


def beta(a: float, b: float) -> Draw:
    return lambda rng, prompts: rng.beta(a, b, prompts)


def dead_ends(rng: np.random.Generator, prompts: int) -> np.ndarray:
    """40 % always wrong, 20 % always right, the rest between."""
    kind = rng.random(prompts)
    return np.where(kind < 0.4, 0.0, np.where(kind < 0.6, 1.0, rng.beta(2, 2, prompts)))


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("world", [beta(2, 2), beta(0.5, 0.5), beta(0.3, 0.9), dead_ends])
@pytest.mark.parametrize("group", [4, 8, 16])
def test_usable_share_from_four_rollouts(world: Draw, group: int) -> None:
    """Also where always-right and always-wrong prompts make the beta-binomial too hopeful."""
    p = world(np.random.default_rng(2), 400_000)
    truth = 1 - float((p**group + (1 - p) ** group).mean())
    rng = np.random.default_rng(3)
    index, counts = np.repeat(np.arange(300), 4), np.full(300, 4.0)
    found = []
    for number in range(150):
        score = (rng.random((300, 4)) < world(rng, 300)[:, None]).astype(float)
        found.append(usable_interval(score.ravel(), index, counts, group, 200, number))
    assert covered(found, truth) >= 0.89


@pytest.mark.slow
def test_many_prompts_are_jackknifed_to_the_same_interval() -> None:
    rng = np.random.default_rng(4)
    size = MANY + 500
    p = rng.beta(0.5, 0.5, 400_000)
    truth = 1 - float((p**4 + (1 - p) ** 4).mean())
    index, counts = np.repeat(np.arange(size), 4), np.full(size, 4.0)
    found = []
    for _ in range(150):
        score = (rng.random((size, 4)) < rng.beta(0.5, 0.5, size)[:, None]).astype(float)
        found.append(usable_interval(score.ravel(), index, counts, 4))
    assert 0.90 <= covered(found, truth) <= 1.0
    assert np.mean([one.high - one.low for one in found]) < 0.06


@pytest.mark.slow
def test_learnable_share() -> None:
    rng = np.random.default_rng(5)
    own = np.random.default_rng(6).beta(0.6, 0.6, (200_000, 1))
    means = (np.random.default_rng(7).random((200_000, 4)) < own).mean(axis=1)
    truth = float(((means > 0.1) & (means < 0.9)).mean())
    found = []
    for _ in range(WORLDS):
        score = (rng.random((100, 4)) < rng.beta(0.6, 0.6, (100, 1))).astype(float)
        spread = groups(score.ravel(), np.repeat(np.arange(100), 4), 4)
        assert spread is not None
        found.append(spread.learnable_interval)
    assert 0.91 <= covered(found, truth) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize(
    ("branch", "mean", "right", "junk"),
    [
        (Branch.MEAN_TOO_LOW, 0.05, 0.4, 0.02),
        (Branch.MEAN_TOO_HIGH, 0.95, 0.98, 0.5),
        (Branch.LOW_VARIANCE, 0.5, 0.75, 0.35),
    ],
)
def test_blame_share(branch: Branch, mean: float, right: float, junk: float) -> None:
    truth = {
        Branch.MEAN_TOO_LOW: (1 - right) / (1 - mean),
        Branch.MEAN_TOO_HIGH: junk / mean,
        Branch.LOW_VARIANCE: 1 - (right - junk),
    }[branch]
    rng = np.random.default_rng(8)

    def around(center: float, size: int, spread: float) -> np.ndarray:
        strength = center * (1 - center) / spread**2 - 1
        return rng.beta(center * strength, (1 - center) * strength, size)

    found = []
    for world in range(WORLDS):
        score = around(mean, 400, 0.04)
        kinds = {name: around(junk, 20, 0.05) for name in "abcdefg"}
        anchors = Anchors(reference=around(right, 50, 0.12), junk=kinds)
        at = scale(anchors)
        assert at is not None
        share = blame(branch, PromptSums.of(score, np.repeat(np.arange(100), 4)), anchors, at, world)
        assert share is not None
        found.append(share.interval)
    assert 0.90 <= covered(found, truth) <= 0.99


@pytest.mark.slow
def test_blame_by_people() -> None:
    rng = np.random.default_rng(9)
    found = []
    for world in range(WORLDS):
        score = rng.beta(1, 19, 400)
        labels = (rng.random(60) < 0.5).astype(np.int64)
        sums = PromptSums.of(score, np.arange(400))
        share = blame_by_people(Branch.MEAN_TOO_LOW, sums, Anchors(people=(np.zeros(60), labels)), 20, world)
        assert share is not None
        found.append(share.interval)
    assert 0.90 <= covered(found, (0.5 - 0.05) / 0.95) <= 0.99


def test_topic_intervals_after_pooling() -> None:
    """Over topics whose true means vary: 95 % of all intervals hold their own."""
    rng = np.random.default_rng(10)
    hits = []
    for _ in range(60):
        true = rng.normal(0.45, 0.08, 8)
        of = np.repeat(np.arange(8), 20)
        score = (true[of] + rng.normal(0, 0.15, 160))[:, None] + rng.normal(0, 0.1, (160, 2))
        names = np.repeat(np.array([f"t{one}" for one in of], dtype=object), 2)
        pooled = pooled_topics(score.ravel(), np.repeat(np.arange(160), 2), names, Thresholds())
        hits += [one.low <= true[int(one.topic[1:])] <= one.high for one in pooled]
    assert 0.92 <= np.mean(hits) <= 0.98


def test_equal_scores_of_a_prompt_that_no_other_prompt_has_are_dead_all_the_same() -> None:
    """A continuous grader at temperature 0: every value is rare, and every group is flat."""
    values = np.repeat(np.random.default_rng(11).random(300), 4)
    index, counts = np.repeat(np.arange(300), 4), np.full(300, 4.0)
    assert usable_share(values, index, counts, 8) == 0.0
    half = values.copy()
    half[600:] = np.random.default_rng(12).random(600)
    assert usable_share(half, index, counts, 8) == pytest.approx(0.5)
    assert usable_interval(half, index, counts, 8).low < 0.5 < usable_interval(half, index, counts, 8).high


def read_responses(
    rng: np.random.Generator, prompts: int, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, readings and prompts: of some prompts the grader takes the form, of others it does not."""
    right = rng.random((prompts, k)) < rng.beta(0.3, 0.6, (prompts, 1))
    taken = rng.random((prompts, 1)) < 0.7
    paid = np.where(right & taken, rng.random((prompts, k)) < 0.95, rng.random((prompts, k)) < 0.05)
    which = np.repeat(np.arange(prompts), k)
    return paid.astype(float).ravel(), right.astype(float).ravel(), which


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("prompts", "k"), [(50, 8), (100, 4), (25, 16), (200, 1)])
def test_shares_and_correlation_of_readings_over_prompts(prompts: int, k: int) -> None:
    score, says, _ = read_responses(np.random.default_rng(0), 200_000, 4)
    truth = float(((says == 1) & (score < 0.5)).mean())
    correlation = float(np.corrcoef(score, says)[0, 1])
    rng = np.random.default_rng(1)
    shares, blind, follow = [], [], []
    for _ in range(WORLDS):
        world = read_responses(rng, prompts, k)
        by_prompt, by_response, tells = readings(*world), readings(*world[:2]), follows(*world)
        assert by_prompt is not None
        assert by_response is not None
        assert tells is not None
        shares.append(by_prompt.right_unpaid.interval)
        blind.append(by_response.right_unpaid.interval)
        follow.append(tells.interval)
    assert 0.91 <= covered(shares, truth) <= 0.99
    assert covered(follow, correlation) >= 0.90
    if k > 1:
        assert covered(blind, truth) < 0.85
