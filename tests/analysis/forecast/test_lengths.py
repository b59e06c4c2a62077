"""Lengths of responses of which some were cut."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from dryrun.analysis.forecast.group_size import lengths_of


def known(tokens: list[float], cut: list[bool] | None = None) -> object:
    return lengths_of(np.array(tokens, float), np.array(cut or [False] * len(tokens)))


def test_without_a_cut_it_is_the_share_itself() -> None:
    tokens = np.random.default_rng(0).integers(1, 400, 500).astype(float)
    lengths = lengths_of(tokens, np.zeros(500, bool))
    assert lengths is not None
    for limit in (1, 50, 200, 399, 1000):
        assert lengths.longer_than(limit) == pytest.approx((tokens > limit).mean())
        assert lengths.mean(limit) == pytest.approx(np.minimum(tokens, limit).mean())


def test_it_is_the_product_limit_estimate() -> None:
    """Against scipy, whose estimate is the oracle."""
    rng = np.random.default_rng(1)
    tokens, limit = rng.integers(1, 40, 300).astype(float), rng.integers(10, 40, 300).astype(float)
    cut = tokens > limit
    seen = np.minimum(tokens, limit)
    lengths = lengths_of(seen, cut)
    assert lengths is not None
    oracle = scipy.stats.ecdf(scipy.stats.CensoredData.right_censored(seen, cut)).sf
    for at in range(1, 35):
        assert lengths.longer_than(at) == pytest.approx(float(oracle.evaluate(at)), abs=1e-12)


def test_cut_responses_do_not_make_lengths_short() -> None:
    """Half of the responses are cut at 100 of an exponential distribution with mean 100."""
    rng = np.random.default_rng(2)
    whole = rng.exponential(100, 20_000)
    at = np.where(rng.random(20_000) < 0.5, 100.0, 600.0)
    lengths = lengths_of(np.minimum(whole, at), whole > at)
    assert lengths is not None
    assert lengths.longer_than(200) == pytest.approx(np.exp(-2), abs=0.01)
    assert lengths.mean(400) == pytest.approx(100 * (1 - np.exp(-4)), rel=0.03)
    taken_as_they_are = float((np.minimum(whole, at) > 200).mean())
    assert taken_as_they_are < 0.09


def test_nothing_is_said_beyond_the_longest_that_was_seen() -> None:
    lengths = lengths_of(np.array([10.0, 20, 64, 64]), np.array([False, False, True, True]))
    assert lengths is not None
    assert lengths.longer_than(64) is None
    assert lengths.longer_than(63) == 0.5
    assert lengths.mean(65) is None
    assert lengths.mean(64) == pytest.approx((10 + 20 + 64 + 64) / 4)
    assert lengths.proposal() is None


def test_a_limit_is_proposed_that_cuts_few() -> None:
    tokens = np.concatenate([np.full(98, 100.0), np.full(2, 900.0)])
    lengths = lengths_of(tokens, np.zeros(100, bool))
    assert lengths is not None
    assert lengths.proposal() == 128
    assert lengths.proposal(0.01) == 960


def test_lengths_that_are_not_known_are_left_out() -> None:
    assert lengths_of(np.array([np.nan]), np.array([False])) is None
    lengths = lengths_of(np.array([np.nan, 5.0]), np.array([True, False]))
    assert lengths is not None
    assert (lengths.responses, lengths.cut) == (1, 0)
