from __future__ import annotations

import math
import statistics as textbook
from functools import reduce
from operator import add

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from dryrun.analysis.figures.statistics import (
    BIN_EDGES,
    BIN_LABELS,
    HISTOGRAM_EDGES,
    above,
    below,
    bimodality_ratio,
    bin_counts,
    describe,
    mean,
    std,
)
from tests.helpers.observed import beta_scores

SCORES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60)
ANY_SCORES = st.lists(st.floats(0.0, 1.0) | st.just(math.nan) | st.sampled_from([-3.0, 85.0]), max_size=60)
SHAPES = [beta_scores(0.42, 0.21), beta_scores(0.08, 0.12), np.array([0.0, 0.25, 1.0]), np.array([0.3, 0.3])]


@pytest.mark.parametrize("scores", SHAPES)
@pytest.mark.filterwarnings("ignore:Precision loss occurred:RuntimeWarning")
def test_figures_agree_with_numpy_and_scipy(scores: np.ndarray) -> None:
    found = describe(scores)
    assert found.mean == pytest.approx(np.mean(scores), abs=1e-14)
    assert found.std == pytest.approx(np.std(scores, ddof=1), abs=1e-14)
    assert found.std == pytest.approx(scipy.stats.tstd(scores), abs=1e-14)
    assert (found.min, found.max) == (scores.min(), scores.max())
    assert found.median == np.median(scores)
    assert found.percentiles is not None
    p = found.percentiles
    assert (p.p10, p.p25, p.p75, p.p90) == tuple(np.percentile(scores, [10, 25, 75, 90], method="linear"))


def test_percentiles_are_the_inclusive_kind() -> None:
    scores = [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 1.0]
    found = describe(np.array(scores)).percentiles
    assert found is not None
    assert found.p75 == textbook.quantiles(scores, n=4, method="inclusive")[2]
    assert found.p75 != textbook.quantiles(scores, n=4, method="exclusive")[2]


@given(SCORES)
def test_mean_is_the_exact_one_and_within_the_scores(scores: list[float]) -> None:
    found = mean(np.array(scores))
    assert found is not None
    assert found == pytest.approx(textbook.fmean(scores), rel=1e-15, abs=1e-300)
    assert min(scores) <= found <= max(scores)


@pytest.mark.slow
@given(ANY_SCORES, st.randoms())
def test_the_order_of_the_scores_changes_nothing(scores: list[float], random: object) -> None:
    mixed = list(scores)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert describe(np.array(mixed, dtype=float)) == describe(np.array(scores, dtype=float))


@pytest.mark.slow
@given(ANY_SCORES)
def test_every_rollout_is_counted_once_and_shares_sum_to_one(scores: list[float]) -> None:
    found = describe(np.array(scores, dtype=float))
    assert found.n == sum(0.0 <= round(score, 9) <= 1.0 for score in scores)
    assert sum(found.counts) == found.n
    if found.n:
        assert found.distribution is not None
        assert tuple(found.distribution) == BIN_LABELS
        assert sum(found.distribution.values()) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.7, 1.0, 1 / 3])
def test_equal_scores_have_no_spread_at_all(value: float) -> None:
    found = describe(np.full(300, value))
    assert (found.mean, found.std) == (value, 0.0)
    assert found.distinct == 1


def test_no_score_gives_none_not_nan() -> None:
    for scores in (np.array([]), np.full(3, np.nan), np.array([np.inf])):
        found = describe(scores)
        assert found.n == 0
        figures = (found.mean, found.std, found.min, found.max, found.median, found.percentiles)
        assert figures == (None,) * 6
        assert found.distribution is None
        assert (found.floor_share, found.ceiling_share, found.bimodality) == (None, None, None)


def test_one_score_has_a_mean_and_no_spread() -> None:
    found = describe(np.array([0.5]))
    assert (found.n, found.mean, found.std, found.median) == (1, 0.5, None, 0.5)


def test_scores_off_the_scale_are_counted_not_clipped() -> None:
    found = describe(np.array([85.0, -0.5, 0.5, 0.7, np.nan]))
    assert found.n == 2
    assert (found.min, found.max) == (0.5, 0.7)


def test_rounding_past_the_end_of_the_scale_is_forgiven() -> None:
    found = describe(np.array([1.0000000000000002, -1e-17]))
    assert (found.n, found.min, found.max) == (2, 0.0, 1.0)
    assert (found.floor_share, found.ceiling_share) == (0.5, 0.5)


def test_hundredths_fall_into_the_bins_their_digits_say() -> None:
    hundredths = np.array([i / 100 for i in range(101)])
    assert bin_counts(hundredths, BIN_EDGES) == (20, 20, 20, 20, 21)
    assert bin_counts(hundredths, HISTOGRAM_EDGES) == (5,) * 19 + (6,)
    # the way it is often done puts 0.6 one bin too low
    assert tuple(np.histogram(hundredths, np.linspace(0, 1, 6))[0]) == (20, 20, 21, 19, 21)


@pytest.mark.parametrize(("score", "label"), [(1 - 0.8, "0.2-0.4"), (0.1 * 6, "0.6-0.8"), (1.0, "0.8-1.0")])
def test_float_noise_does_not_move_a_score_to_another_bin(score: float, label: str) -> None:
    assert describe(np.array([score])).bins[label] == 1


def test_four_bars_make_one_bin_of_the_report() -> None:
    assert HISTOGRAM_EDGES[::4] == BIN_EDGES


@pytest.mark.parametrize(
    ("counts", "ratio"),
    [
        ((0, 0, 0, 0, 0), None),
        ((60, 60, 60, 60, 60), 1.0),
        ((150, 0, 0, 0, 150), 450.0),
        ((300, 0, 0, 0, 0), 0.0),
        ((90, 50, 20, 50, 90), 2.25),
    ],
)
def test_bimodality_is_three_times_the_smaller_end_over_the_middle(
    counts: tuple[int, ...], ratio: float | None
) -> None:
    assert bimodality_ratio(counts) == ratio


def test_bimodality_tells_the_documents_shapes_apart() -> None:
    two_ended, bell = describe(beta_scores(0.5, 0.35)), describe(beta_scores(0.42, 0.21))
    assert two_ended.bimodality is not None
    assert bell.bimodality is not None
    assert two_ended.bimodality > 1.5 > 1.0 > bell.bimodality


def test_levels_and_shares_at_the_ends() -> None:
    found = describe(np.array([0.0] * 3 + [0.5] * 4 + [1.0] * 2 + [0.5 + 1e-9]))
    assert (found.floor_share, found.ceiling_share, found.distinct) == (0.3, 0.2, 3)


def test_comparisons_forgive_float_noise_and_nothing_more() -> None:
    tenth = reduce(add, [0.1] * 10) / 10  # some Pythons' sum() makes up for the noise
    assert tenth < 0.1
    assert not below(tenth, 0.1)
    assert float(np.mean([0.9] * 7)) > 0.9
    assert not above(float(np.mean([0.9] * 7)), 0.9)
    assert below(0.1 - 1e-8, 0.1)
    assert above(0.9 + 1e-8, 0.9)


def test_a_tiny_spread_around_a_large_mean_is_not_lost() -> None:
    scores = np.array([0.9, 0.9 + 2e-9, 0.9 - 2e-9])
    assert std(scores) == pytest.approx(2e-9, rel=1e-6)
