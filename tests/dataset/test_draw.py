"""Sampling: seeded, nested, simple or in proportion to the topics."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dryrun.core.config import SamplingConfig, SamplingMethod
from dryrun.dataset import dataset_from_items
from dryrun.dataset.draw import draw
from tests.helpers.support import sum_rows

METHODS = list(SamplingMethod)


def drawn(count: int, size: int, method: SamplingMethod = SamplingMethod.SIMPLE, seed: int = 0) -> list[int]:
    return draw(dataset_from_items(sum_rows(count)), SamplingConfig(size=size, seed=seed, method=method))


@pytest.mark.parametrize("method", METHODS)
def test_a_larger_sample_begins_with_the_smaller_one(method: SamplingMethod) -> None:
    whole = drawn(700, 700, method)
    assert sorted(whole) == list(range(700))
    for size in (1, 2, 200, 300, 500):
        assert drawn(700, size, method) == whole[:size]


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_decides(method: SamplingMethod) -> None:
    assert drawn(600, 300, method) == drawn(600, 300, method)
    assert drawn(600, 300, method, seed=1) != drawn(600, 300, method)


def test_the_order_is_the_same_on_every_machine() -> None:
    assert drawn(20, 8) == [7, 0, 18, 13, 15, 2, 14, 16]


def test_a_size_above_the_rows_takes_all() -> None:
    assert sorted(drawn(5, 300)) == [0, 1, 2, 3, 4]


def test_removing_rows_leaves_the_order_of_the_others() -> None:
    rows = sum_rows(100)
    whole = [rows[i]["reference_answer"] for i in draw(dataset_from_items(rows), SamplingConfig(size=100))]
    fewer = [row for number, row in enumerate(rows) if number % 3]
    kept = {row["reference_answer"] for row in fewer}
    order = [fewer[i]["reference_answer"] for i in draw(dataset_from_items(fewer), SamplingConfig(size=100))]
    assert order == [answer for answer in whole if answer in kept]


def test_repeated_rows_are_rows_of_their_own() -> None:
    assert sorted(draw(dataset_from_items([*sum_rows(3), *sum_rows(3)]), SamplingConfig(size=6))) == list(
        range(6)
    )


def test_every_row_has_the_same_chance() -> None:
    """Chi-squared over 2,000 seeds: 30 of 60 rows each; 99.9 % point for 59 degrees of freedom is 98."""
    dataset = dataset_from_items(sum_rows(60))
    hits: Counter[int] = Counter()
    for seed in range(2000):
        hits.update(draw(dataset, SamplingConfig(size=30, seed=seed)))
    counts = np.array([hits[row] for row in range(60)])
    assert ((counts - 1000) ** 2 / (1000 * 0.5)).sum() < 98


class Topics:
    """A dataset of which only the topics matter."""

    def __init__(self, counts: list[int]) -> None:
        self.topic_codes = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
        total = int(sum(counts))
        self.row_digests = np.stack([np.arange(total), np.arange(total)], axis=1).astype(np.uint64)


@pytest.mark.slow
@settings(max_examples=80)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=9), st.integers(0, 3))
def test_each_topic_keeps_its_exact_share_at_every_size(counts: list[int], seed: int) -> None:
    dataset, total = Topics(counts), sum(counts)
    whole = draw(dataset, SamplingConfig(size=total, seed=seed, method=SamplingMethod.STRATIFIED))
    assert sorted(whole) == list(range(total))
    taken = [0] * len(counts)
    for size, row in enumerate(whole, 1):
        taken[dataset.topic_codes[row]] += 1
        for topic, count in enumerate(counts):
            assert abs(taken[topic] - Fraction(size * count, total)) < 1
