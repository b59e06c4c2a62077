"""Length bias and resolution against scipy and counting."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from dryrun.analysis.figures.shape import length_bias, resolution

NO_TOPIC = np.full(400, "", dtype=object)


def test_within_one_unit_it_is_spearmans_rho() -> None:
    rng = np.random.default_rng(1)
    score, length = rng.integers(0, 5, 60) / 4, rng.integers(10, 40, 60).astype(float)
    found = length_bias(score, length, np.zeros(60, dtype=np.int64), NO_TOPIC[:60])
    assert found is not None
    assert found.correlation == pytest.approx(scipy.stats.spearmanr(score, length).statistic)


def test_over_prompts_it_pools_what_is_left_of_each_prompts_ranks() -> None:
    rng = np.random.default_rng(2)
    prompt = np.repeat(np.arange(100), 4)
    length = rng.random(400)
    score = length * 0.5 + rng.random(400) * 0.5
    ranks = [
        np.concatenate([scipy.stats.rankdata(value[prompt == place]) - 2.5 for place in range(100)])
        for value in (score, length)
    ]
    found = length_bias(score, length, prompt, NO_TOPIC)
    assert found is not None
    assert found.correlation == pytest.approx(np.corrcoef(ranks)[0, 1])
    assert (found.within, found.responses) == ("prompt", 400)


def test_harder_prompts_with_longer_answers_are_no_bias() -> None:
    """Simpson: between prompts longer is better, within none."""
    rng = np.random.default_rng(3)
    prompt = np.repeat(np.arange(100), 4)
    level = np.repeat(rng.random(100), 4)
    score, length = level + 0.01 * rng.random(400), level + 0.01 * rng.random(400)
    assert scipy.stats.spearmanr(score, length).statistic > 0.9
    found = length_bias(score, length, prompt, NO_TOPIC)
    assert found is not None
    assert abs(found.correlation) < 0.15


def test_one_response_per_prompt_is_compared_within_topics_and_too_few_not_at_all() -> None:
    rng = np.random.default_rng(4)
    topics = np.array(["a", "b"] * 50, dtype=object)
    found = length_bias(rng.random(100), rng.random(100), np.arange(100), topics)
    assert found is not None
    assert found.within == "topic"
    assert length_bias(rng.random(20), rng.random(20), np.zeros(20, dtype=np.int64), topics[:20]) is None
    assert (
        length_bias(np.full(40, np.nan), rng.random(40), np.zeros(40, dtype=np.int64), NO_TOPIC[:40]) is None
    )


def test_resolution_counts_levels_and_their_entropy() -> None:
    found = resolution(np.array([0.0, 0.0, 0.5, 1.0, np.nan]))
    assert found is not None
    assert (found.distinct, found.modal, found.modal_share) == (3, 0.0, 0.5)
    assert found.effective_levels == pytest.approx(np.exp(scipy.stats.entropy([2, 1, 1])))
    assert resolution(np.array([np.nan])) is None
