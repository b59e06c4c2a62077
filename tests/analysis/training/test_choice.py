"""The choice of a training set: band, preference, topics, no leaks, a control of equal size, by seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dryrun.analysis.training.choice import (
    Curriculum,
    LeftOut,
    Preference,
    SetChoice,
    choose_rows,
    topic_quotas,
)
from dryrun.analysis.training.profile import DatasetProfile, RowFlag, profile_of
from dryrun.core.errors import DryRunError
from tests.analysis.training.counted import counts_of


def planted(**fields: Any) -> DatasetProfile:
    """300 prompts with 0 to 16 of 16 right, every rate alike often."""
    return profile_of(counts_of([number % 17 for number in range(300)], 16, **fields))


def test_only_the_band_is_taken_and_every_row_has_a_reason() -> None:
    found = planted()
    chosen = choose_rows(found, SetChoice(0.2, 0.6))
    rate = found.rates.rate[chosen.train]
    assert 0.2 <= rate.min() <= rate.max() <= 0.6
    assert set(chosen.left_out) == {LeftOut.EASIER, LeftOut.HARDER, LeftOut.HELD_OUT}
    assert sum(chosen.left_out.values()) + len(chosen.train) == 300


@pytest.mark.parametrize(
    ("prefer", "worth"),
    [(Preference.HARDEST, lambda rate: -rate), (Preference.HALF, lambda rate: -abs(rate - 0.5))],
)
def test_the_preferred_come_first_where_not_all_are_taken(
    prefer: Preference, worth: Callable[[np.ndarray], np.ndarray]
) -> None:
    found = planted()
    all_ = choose_rows(found, SetChoice(prefer=prefer))
    some = choose_rows(found, SetChoice(prefer=prefer, size=40))
    assert len(some.train) == 40
    rest = np.setdiff1d(all_.train, some.train)
    assert worth(found.rates.rate[some.train]).min() >= worth(found.rates.rate[rest]).max() - 0.03
    assert some.left_out[LeftOut.SIZE] == len(rest)


def test_no_prompt_or_near_duplicate_of_validation_is_trained_on() -> None:
    alike = np.arange(300) // 3 * 3
    found = planted(alike=alike)
    chosen = choose_rows(found, SetChoice(0.0, 1.0, validation=0.2))
    held = set(alike[chosen.validation].tolist())
    assert held
    assert not held & set(alike[chosen.train].tolist())
    assert not held & set(alike[chosen.control].tolist())
    assert not held & set(alike[chosen.side].tolist())
    assert len(chosen.validation) == pytest.approx(60, abs=3)


def test_a_group_larger_than_the_share_stays_in_training() -> None:
    found = planted(alike=np.where(np.arange(300) < 200, 0, np.arange(300)))
    for seed in range(5):
        chosen = choose_rows(found, SetChoice(0.0, 1.0, seed=seed))
        assert 0 < len(chosen.validation) <= 30
        assert chosen.validation.min() >= 200


def test_the_control_is_as_large_and_unfiltered() -> None:
    found = planted()
    chosen = choose_rows(found, SetChoice(0.3, 0.7))
    assert len(chosen.control) == len(chosen.train) == len(set(chosen.control.tolist()))
    rate = found.rates.rate[chosen.control]
    assert rate.min() < 0.2
    assert rate.max() > 0.8


def test_repeats_near_duplicates_and_broken_references_stay_out_unless_let_in() -> None:
    flags = np.zeros(300, np.int64)
    flags[5], flags[6] = RowFlag.REPEATED.value, RowFlag.NEAR_DUPLICATE.value
    flags[7], flags[8] = RowFlag.CONTRADICTION.value, RowFlag.UNSTABLE.value
    alike = np.arange(300)
    alike[[5, 6]] = 4
    found = planted(flags=flags, alike=alike)
    strict = choose_rows(found, SetChoice(0.0, 1.0, validation=0.0))
    assert not {5, 6, 7, 8} & set(strict.train.tolist())
    assert [strict.left_out[one] for one in (LeftOut.REPEATED, LeftOut.NEAR, LeftOut.BROKEN)] == [1, 1, 1]
    lax = SetChoice(0.0, 1.0, validation=0.0, near_duplicates=True, broken=True, noisy=True)
    assert {5, 6, 7, 8} <= set(choose_rows(found, lax).train.tolist())


def test_rows_are_the_same_by_seed_in_whatever_order_they_stand() -> None:
    found = planted()
    places = np.random.default_rng(1).permutation(300)
    mixed = profile_of(found.counts.at(places))
    choice = SetChoice(size=50, seed=3)
    one, other = choose_rows(found, choice), choose_rows(mixed, choice)
    for mine, theirs in ((one.train, other.train), (one.validation, other.validation)):
        assert found.counts.key[mine].tolist() == mixed.counts.key[theirs].tolist()
    another = choose_rows(found, SetChoice(size=50, seed=4))
    assert found.counts.key[another.train].tolist() != found.counts.key[one.train].tolist()


def test_a_curriculum_orders_the_rows() -> None:
    found = planted()
    rates = {
        curriculum: found.rates.rate[choose_rows(found, SetChoice(curriculum=curriculum)).train]
        for curriculum in Curriculum
    }
    assert (np.diff(rates[Curriculum.EASY_FIRST]) <= 0).all()
    assert (np.diff(rates[Curriculum.HARD_FIRST]) >= 0).all()
    assert sorted(rates[Curriculum.SHUFFLED]) == sorted(rates[Curriculum.EASY_FIRST])
    assert (np.diff(rates[Curriculum.SHUFFLED]) < 0).any()


def test_topics_are_mixed_by_weight() -> None:
    topic = np.arange(300) % 3
    found = planted(topics=("a", "b", "c"), topic=topic)
    chosen = choose_rows(found, SetChoice(0.0, 1.0, size=60, topics={"a": 2.0, "b": 1.0}))
    assert np.bincount(topic[chosen.train], minlength=3).tolist() == [40, 20, 0]
    assert chosen.left_out[LeftOut.TOPIC] == (topic[chosen.side] == 2).sum()
    as_it_is = choose_rows(found, SetChoice(0.0, 1.0, size=60))
    assert np.bincount(topic[as_it_is.train], minlength=3) == pytest.approx([20, 20, 20], abs=2)


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=6),
    st.lists(st.floats(0, 5), min_size=6, max_size=6),
    st.none() | st.integers(1, 120),
)
@example([1], [2.2e-313, 0, 0, 0, 0, 0], None)
@example([1, 3], [5e-324, 5, 0, 0, 0, 0], 4)
@example([1, 3], [5e-324, 5, 0, 0, 0, 0], None)
def test_quotas_never_pass_what_there_is(sizes: list[int], weights: list[float], size: int | None) -> None:
    there, wanted = np.array(sizes), np.array(weights[: len(sizes)])
    quotas = topic_quotas(there, wanted, size)
    assert (quotas >= 0).all()
    assert (quotas <= there).all()
    assert not quotas[wanted == 0].any()
    if size is not None:
        assert quotas.sum() == min(size, there[wanted > 0].sum())


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (SetChoice(0.9, 0.1), "The band 0.9 to 0.1 cannot be"),
        (SetChoice(validation=1.0), "The share 1 for validation"),
        (SetChoice(size=0), "at least one row"),
        (SetChoice(topics={"algebra": 1.0}), "weights of topics"),
    ],
)
def test_what_cannot_be_is_explained(choice: SetChoice, words: str) -> None:
    with pytest.raises(DryRunError, match=words):
        choose_rows(planted(), choice)
