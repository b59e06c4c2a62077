"""The sketch against the exact figures and the bootstrap; merged in any order it is the same."""

from __future__ import annotations

import functools
import itertools
import operator

import numpy as np
import pytest

from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts, describe
from dryrun.analysis.sketch import Sketch, describe_sketch, sketch_of, sketch_stability
from dryrun.analysis.verdict.stability import stability
from dryrun.core.thresholds import Thresholds


def scores(seed: int, prompts: int = 500, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = np.clip(rng.normal(0.45, 0.2, prompts)[:, None] + rng.normal(0, 0.2, (prompts, k)), 0, 1).ravel()
    score[rng.integers(0, score.size, 40)] = np.nan
    score[rng.integers(0, score.size, 5)] = 85.0
    return score, np.repeat(np.arange(prompts), k)


def parts(score: np.ndarray, prompt: np.ndarray, count: int) -> list[Sketch]:
    edges = np.linspace(0, prompt.max() + 1, count + 1).astype(int)
    inside = [(prompt >= low) & (prompt < high) for low, high in itertools.pairwise(edges)]
    return [sketch_of(score[one], prompt[one]) for one in inside]


@pytest.mark.parametrize("count", [1, 7])
def test_figures_are_those_of_all_scores(count: int) -> None:
    score, prompt = scores(1)
    found = describe_sketch(functools.reduce(operator.add, parts(score, prompt, count)))
    truth = describe(score)
    for name in (
        "n",
        "missing",
        "out_of_range",
        "min",
        "max",
        "counts",
        "floor_share",
        "ceiling_share",
        "bimodality",
    ):
        assert getattr(found, name) == getattr(truth, name), name
    assert found.mean == pytest.approx(truth.mean, abs=1e-14)
    assert found.std == pytest.approx(truth.std, abs=1e-13)
    assert found.median == pytest.approx(truth.median, abs=1e-4)
    assert truth.percentiles is not None
    assert found.percentiles is not None
    for name in ("p10", "p25", "p75", "p90"):
        assert getattr(found.percentiles, name) == pytest.approx(getattr(truth.percentiles, name), abs=1e-4)


def test_bars_are_exact_at_their_edges() -> None:
    edges = np.array(HISTOGRAM_EDGES)
    score = np.concatenate(
        [edges, edges - 1e-7, edges + 1e-7, edges - 1e-12, [1 - 0.8, 0.1 + 0.2, 0.15000000000000002]]
    )
    found = sketch_of(score, np.arange(score.size))
    valid = np.clip(score[(score >= -1e-9) & (score <= 1 + 1e-9)], 0, 1)
    assert tuple(found.bars) == bin_counts(valid, HISTOGRAM_EDGES)


def test_merging_is_commutative_and_rows_may_stand_in_any_order() -> None:
    score, prompt = scores(2)
    one, two = parts(score, prompt, 2)
    for left, right in ((one + two, two + one), (one + two, sketch_of(score[::-1], prompt[::-1]))):
        assert np.array_equal(left.grid, right.grid)
        assert left.mean == pytest.approx(right.mean, abs=1e-15)
        assert left.m2 == pytest.approx(right.m2, rel=1e-12)
        assert np.allclose(left.second, right.second)
    empty = sketch_of(np.array([np.nan]), np.array([0]))
    assert describe_sketch(empty).mean is None
    assert describe_sketch(empty + one).mean == pytest.approx(one.mean)
    assert sketch_stability(empty, Thresholds()) is None


def test_intervals_are_those_of_the_bootstrap_over_prompts() -> None:
    score, prompt = scores(3, 2000)
    score[score > 1] = np.nan
    limits = Thresholds(mean_low=0.44)
    found, truth = sketch_stability(sketch_of(score, prompt), limits), stability(score, prompt, limits)
    assert found is not None
    assert truth is not None
    for name in ("mean", "std"):
        one, other = getattr(found, name), getattr(truth, name)
        wide = other.high - other.low
        assert one.low == pytest.approx(other.low, abs=0.1 * wide)
        assert one.high == pytest.approx(other.high, abs=0.1 * wide)
    assert found.same_verdict == pytest.approx(truth.same_verdict, abs=0.04)


def test_unequal_numbers_of_responses_are_weighed() -> None:
    """Against the bootstrap where prompts with many responses score lower."""
    rng = np.random.default_rng(4)
    counts = rng.integers(1, 9, 1500)
    prompt = np.repeat(np.arange(1500), counts)
    score = np.clip(0.7 - 0.04 * counts[prompt] + rng.normal(0, 0.15, prompt.size), 0, 1)
    found, truth = (
        sketch_stability(sketch_of(score, prompt), Thresholds()),
        stability(score, prompt, Thresholds()),
    )
    assert found is not None
    assert truth is not None
    ratio = (found.mean.high - found.mean.low) / (truth.mean.high - truth.mean.low)
    assert 0.9 < ratio < 1.1
