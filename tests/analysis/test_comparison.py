"""Comparing two sets of scores: oracles for the figures, simulation for the intervals."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from dryrun.analysis.figures.comparison import (
    band,
    difference_counts,
    flips,
    paired_difference,
    prompt_moves,
    rank_correlation,
    topic_changes,
    unpaired_difference,
)
from dryrun.core.thresholds import Thresholds

RNG = np.random.default_rng


@pytest.mark.parametrize("seed", range(4))
def test_rank_correlation_is_scipys_with_ties(seed: int) -> None:
    rng = RNG(seed)
    first = np.round(rng.random(200), 1)
    second = np.round(np.clip(first + rng.normal(0, 0.3, 200), 0.0, 1.0), 1).astype(np.float64)
    found = rank_correlation(first, second, np.arange(200) // 4, draws=200)
    assert found is not None
    assert found.value == pytest.approx(scipy.stats.spearmanr(first, second).statistic)
    assert found.low < found.value < found.high


def test_rank_correlation_leaves_out_what_has_no_score_and_needs_variation() -> None:
    first, second = np.array([0.1, 0.5, np.nan, 0.9, 0.2]), np.array([0.2, 0.6, 0.9, 1.0, np.nan])
    found = rank_correlation(first, second, np.arange(5))
    assert found is not None
    assert (found.value, found.rows) == pytest.approx((1.0, 3))
    assert rank_correlation(np.ones(9), np.arange(9.0), np.arange(9)) is None


def test_a_paired_difference_is_the_difference_of_means_over_shared_prompts() -> None:
    first, second = np.array([0.0, 1.0, 1.0, np.nan, 0.3]), np.array([1.0, 1.0, 0.5, 0.9])
    found = paired_difference(first, np.array([0, 0, 1, 2, 3]), second, np.array([0, 1, 3, 9]))
    assert found is not None
    assert (found.prompts, found.paired) == ((3, 3), True)
    assert found.value == pytest.approx((1.0 + 1.0 + 0.5) / 3 - (0 + 1 + 1 + 0.3) / 4)
    assert paired_difference(first, np.arange(5), second, np.arange(5, 9)) is None


def test_pairing_narrows_the_interval_to_that_of_scipys_paired_test() -> None:
    rng = RNG(2)
    hard = rng.random(300)
    first, second = (np.clip(hard + rng.normal(shift, 0.05, 300), 0, 1) for shift in (0.0, 0.02))
    prompt = np.arange(300)
    paired = paired_difference(first, prompt, second, prompt)
    unpaired = unpaired_difference(first, prompt, second, prompt + 300)
    assert paired is not None
    assert unpaired is not None
    oracle = scipy.stats.ttest_rel(second, first).confidence_interval(0.95)
    assert (paired.low, paired.high) == pytest.approx((oracle.low, oracle.high), abs=1e-3)
    oracle = scipy.stats.ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    assert (unpaired.low, unpaired.high) == pytest.approx((oracle.low, oracle.high), abs=6e-3)
    assert paired.clear
    assert not unpaired.clear


@pytest.mark.slow
def test_intervals_of_clustered_scores_cover_what_they_claim() -> None:
    """Four alike responses to each of 80 prompts, true difference 0.05, 300 times."""
    rng = RNG(5)
    prompt = np.repeat(np.arange(80), 4)
    held = {"paired": 0, "unpaired": 0}
    for trial in range(300):
        hard = rng.beta(1, 1, 80)
        first = (rng.random(320) < np.repeat(hard * 0.9, 4)).astype(float)
        second = (rng.random(320) < np.repeat(hard * 0.9 + 0.05, 4)).astype(float)
        other = (rng.random(320) < np.repeat(rng.beta(1, 1, 80) * 0.9 + 0.05, 4)).astype(float)
        paired = paired_difference(first, prompt, second, prompt, draws=400, seed=trial)
        unpaired = unpaired_difference(first, prompt, other, prompt, draws=400, seed=trial)
        assert paired is not None
        assert unpaired is not None
        held["paired"] += paired.low <= 0.05 <= paired.high
        held["unpaired"] += unpaired.low <= 0.05 <= unpaired.high
    assert all(0.91 <= count / 300 <= 0.99 for count in held.values()), held


def test_flips_name_rows_by_the_size_of_the_change() -> None:
    first = np.array([0.4, 0.0, 0.5, 1.0, np.nan, 0.2])
    second = np.array([0.5, 1.0, 0.4, 0.0, 1.0, 0.3])
    found = flips(first, second)
    assert (found.gained.tolist(), found.lost.tolist(), found.rows) == ([1, 0], [3, 2], 5)
    assert flips(first, first).gained.size == 0


def test_topics_that_crossed_a_threshold_come_first() -> None:
    topics = np.array(["a", "a", "b", "c"], dtype=object)
    found = topic_changes(
        np.array([0.5, 0.5, 0.15, 0.9]), topics, np.array([0.6, 0.7, 0.05, np.nan]), topics, Thresholds()
    )
    assert [(change.topic, change.before, change.after) for change in found] == [
        ("b", "low", "too low"),
        ("a", "healthy", "healthy"),
    ]


@pytest.mark.parametrize(
    ("mean", "word"),
    [
        (0.0999, "too low"),
        (0.1, "low"),
        (0.2, "healthy"),
        (0.8, "healthy"),
        (0.9, "high"),
        (0.91, "too high"),
    ],
)
def test_bands_are_the_documents(mean: float, word: str) -> None:
    assert band(mean, Thresholds()) == word


def test_differences_are_counted_around_zero() -> None:
    prompt = np.arange(4)
    first, second = np.array([0.0, 0.5, 1.0, 0.2]), np.array([1.0, 0.5, 0.0, 0.5])
    moves = prompt_moves(first, prompt, second, prompt)
    assert moves.change == pytest.approx([1.0, 0.0, -1.0, 0.3])
    assert moves.furthest(3).tolist() == [0, 2, 3], "those that stayed are none"
    counts = difference_counts(moves.change)
    assert sum(counts) == 4
    assert [counts[bar] for bar in (0, 10, 13, 20)] == [1, 1, 1, 1]
