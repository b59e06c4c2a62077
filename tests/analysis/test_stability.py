"""Intervals cover what they should, stability reads as a probability, groups match exact counting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dryrun.analysis.figures.groups import components, groups, usable_share
from dryrun.analysis.figures.redraw import PromptSums, redrawn
from dryrun.analysis.verdict.stability import branches, stability
from dryrun.analysis.verdict.tree import Branch, decide
from dryrun.core.thresholds import Thresholds

ORDER = [Branch.MEAN_TOO_LOW, Branch.MEAN_TOO_HIGH, Branch.LOW_VARIANCE, Branch.PROCEED]


def clustered(
    rng: np.random.Generator, prompts: int, k: int, center: float = 0.45
) -> tuple[np.ndarray, np.ndarray]:
    """Scores with an ICC of one half, and their prompts."""
    own = rng.normal(0, 0.1, prompts)
    score = np.clip(center + np.repeat(own, k) + rng.normal(0, 0.1, prompts * k), 0, 1)
    return score, np.repeat(np.arange(prompts), k)


def test_sums_give_the_same_mean_and_std_as_the_scores() -> None:
    rng = np.random.default_rng(1)
    score, prompt = clustered(rng, 30, 3)
    score[::7] = np.nan
    sums = PromptSums.of(score, prompt)
    valid = score[np.isfinite(score)]
    assert sums.count.sum() == valid.size
    n, total, square = sums.count.sum(), sums.total.sum(), sums.square.sum()
    assert sums.center + total / n == pytest.approx(valid.mean())
    assert np.sqrt((square - total**2 / n) / (n - 1)) == pytest.approx(valid.std(ddof=1))


def test_the_tree_over_arrays_is_the_tree() -> None:
    rng = np.random.default_rng(2)
    mean, std = rng.uniform(0, 1, 500), rng.uniform(0, 0.3, 500)
    mean[:4], std[:4] = [0.1, 0.9, 0.5, 0.1 - 1e-12], [0.2, 0.2, 0.1, 0.2]
    limits = Thresholds()
    found = branches(mean, std, limits)
    assert [ORDER[code] for code in found] == [
        decide(one, other, limits) for one, other in zip(mean, std, strict=True)
    ]


@pytest.mark.slow
def test_the_interval_of_the_mean_covers_at_its_level_and_rows_would_not() -> None:
    """400 worlds of 100 prompts with 8 rollouts: 95 % within Monte-Carlo error (3 of its 0.011)."""
    rng = np.random.default_rng(3)
    hits = rows = 0
    for world in range(400):
        score, prompt = clustered(rng, 100, 8)
        mean, _ = redrawn(PromptSums.of(score, prompt), 500, seed=world)
        low, high = np.quantile(mean, [0.025, 0.975])
        hits += low <= 0.45 <= high
        half = 1.96 * score.std(ddof=1) / np.sqrt(score.size)
        rows += abs(score.mean() - 0.45) <= half
    assert 0.91 <= hits / 400 <= 0.98
    assert rows / 400 < 0.80


def test_stability_is_near_one_half_at_a_threshold_and_one_far_from_it() -> None:
    rng = np.random.default_rng(4)
    limits = Thresholds()
    far = stability(*clustered(rng, 300, 4, 0.5), limits)
    assert far is not None
    assert far.same_verdict == 1.0
    assert far.more_prompts is None
    score = np.concatenate([np.full(270, 0.0), np.full(30, 1.0)])  # mean exactly 0.10
    near = stability(score, np.arange(300), limits)
    assert near is not None
    assert 0.4 < near.same_verdict < 0.65
    tilted = stability(np.concatenate([np.zeros(265), np.ones(35)]), np.arange(300), limits)
    assert tilted is not None
    assert 0.7 < tilted.same_verdict < limits.stability
    assert tilted.more_prompts
    assert 10 <= tilted.more_prompts <= 1000


def test_seeded_and_without_a_figure_where_there_is_nothing_to_draw() -> None:
    score, prompt = clustered(np.random.default_rng(5), 40, 2)
    assert stability(score, prompt, Thresholds()) == stability(score, prompt, Thresholds())
    assert stability(np.array([0.5, 0.5]), np.array([0, 0]), Thresholds()) is None
    assert stability(np.full(9, np.nan), np.arange(9), Thresholds()) is None


def test_components_are_those_of_the_analysis_of_variance() -> None:
    """Balanced design, by hand: MSB = 0.08, MSW = 0.005 with k = 2."""
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    index = np.array([0, 0, 1, 1, 2, 2])
    within, between, icc = components(values, index, np.array([2.0, 2.0, 2.0]))
    assert within == pytest.approx(np.sqrt(0.005))
    assert between == pytest.approx(np.sqrt((0.08 - 0.005) / 2))
    assert icc == pytest.approx((0.08 - 0.005) / (0.08 + 0.005))


def test_usable_share_is_exact_where_there_are_enough_rollouts() -> None:
    score = np.array([0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1], dtype=float)
    prompt = np.repeat(np.arange(3), 4)
    found = groups(score, prompt, group=2)
    assert found is not None
    # pairs that are equal: (3 + 0)/6, 6/6, (1 + 1)/6
    assert found.usable == pytest.approx(1 - np.mean([3 / 6, 1.0, 2 / 6]))
    assert not found.extrapolated
    assert (found.all_right, found.all_wrong) == pytest.approx((1 / 3, 0.0))


@pytest.mark.parametrize(("a", "b"), [(2.0, 2.0), (0.5, 0.5), (0.3, 0.9)])
def test_usable_share_at_eight_from_four_rollouts(a: float, b: float) -> None:
    """Beta prompts, 300 x 4: within 0.06 of the truth on average over 40 worlds; the naive share is not."""
    rng = np.random.default_rng(6)
    p = rng.beta(a, b, 200_000)
    truth = 1 - float((p**8 + (1 - p) ** 8).mean())
    errors, naive = [], []
    for _ in range(40):
        own = rng.beta(a, b, 300)
        score = (rng.random((300, 4)) < own[:, None]).astype(float)
        index, counts = np.repeat(np.arange(300), 4), np.full(300, 4.0)
        errors.append(usable_share(score.ravel(), index, counts, 8) - truth)
        naive.append(float((score.min(1) != score.max(1)).mean()) - truth)
    assert np.sqrt(np.mean(np.square(errors))) < 0.06
    assert np.sqrt(np.mean(np.square(naive))) > 0.10


def test_continuous_scores_make_every_group_usable() -> None:
    score, prompt = clustered(np.random.default_rng(7), 50, 4)
    found = groups(score, prompt)
    assert found is not None
    assert found.usable > 0.99
    assert 0.3 < found.icc < 0.7


def test_a_moved_threshold_draws_no_prompts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    score, prompt = np.random.default_rng(73).random(400), np.repeat(np.arange(100), 4)
    asked: list[int] = []

    def counted(*given: Any) -> Any:
        asked.append(1)
        return redrawn(*given)

    monkeypatch.setattr("dryrun.analysis.verdict.stability.redrawn", counted)
    first = stability(score, prompt, Thresholds())
    moved = stability(score, prompt, Thresholds(mean_low=0.6))
    assert len(asked) == 1
    assert first is not None
    assert moved is not None
    assert (moved.mean, moved.std) == (first.mean, first.std)
    assert moved.same_branch == pytest.approx(1.0), "all of them lie under the limit"
    assert first.same_branch == pytest.approx(1.0)
    stability(1 - score, prompt, Thresholds())
    assert len(asked) == 2, "other scores are drawn"
