"""Agreement of people and grader: each figure against an oracle, intervals and weights by simulation."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from dryrun.analysis.figures.agreement import Labelled, agreement, auc, kappa, poststratified, weighted_share
from dryrun.analysis.figures.anchors import disagreement
from dryrun.analysis.figures.redraw import wilson
from dryrun.analysis.selection import label_queue
from dryrun.analysis.verdict.sentences import agreement_words
from dryrun.core.thresholds import Thresholds
from tests.helpers.observed import observe

RNG = np.random.default_rng


def labelled(score: np.ndarray, good: np.ndarray, **more: object) -> Labelled:
    weight = more.pop("weight", np.ones(score.size))
    return Labelled(score, good.astype(np.int64), np.arange(score.size), weight, **more)  # type: ignore[arg-type]


def test_kappa_is_cohens_published_example() -> None:
    """The 2 x 2 table 20, 5, 10, 15, whose kappa is 0.4."""
    first = np.repeat([True, True, False, False], [20, 5, 10, 15])
    second = np.repeat([True, False, True, False], [20, 5, 10, 15])
    assert kappa(first, second, np.ones(50)) == pytest.approx(0.4)
    assert np.isnan(kappa(np.ones(5, bool), np.ones(5, bool), np.ones(5)))


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_scipys(seed: int) -> None:
    rng = RNG(seed)
    score, good = np.round(rng.random(60), 1), rng.random(60) < 0.4
    pairs = good.sum() * (~good).sum()
    oracle = scipy.stats.mannwhitneyu(score[good], score[~good]).statistic / pairs
    assert auc(score, good)(np.ones(60)) == pytest.approx(oracle)


def test_a_weight_of_two_is_the_row_twice() -> None:
    rng = RNG(1)
    score, good = np.round(rng.random(30), 1), rng.random(30) < 0.5
    weight = rng.integers(1, 4, 30)
    many = np.repeat(score, weight), np.repeat(good, weight), np.ones(weight.sum())
    assert auc(score, good)(weight.astype(float)) == pytest.approx(auc(*many[:2])(many[2]))
    assert kappa(score >= 0.5, good, weight.astype(float)) == pytest.approx(kappa(many[0] >= 0.5, *many[1:]))


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 20), (10, 10), (37, 80)])
def test_wilson_is_scipys(hits: int, n: int) -> None:
    oracle = scipy.stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson(hits / n, n) == pytest.approx((oracle.low, oracle.high), abs=1e-6)
    assert weighted_share(np.arange(n) < hits, np.ones(n)) == (hits / n, n)


def test_no_label_and_one_kind_alone() -> None:
    assert agreement(labelled(np.zeros(0), np.zeros(0))) is None
    found = agreement(labelled(np.array([0.1, 0.9, 0.8]), np.ones(3)))
    assert found is not None
    assert (found.kappa, found.auc, found.false_accept) == (None, None, None)
    assert found.false_reject is not None
    assert found.false_reject.share == pytest.approx(1 / 3)


@pytest.mark.slow
def test_intervals_cover_what_they_claim() -> None:
    """Kappa, AUC and false rejects of 80 labels, 300 times: 95 % intervals hold the truth about as often."""
    rng = RNG(3)
    whole_good = rng.random(200_000) < 0.5
    whole = np.clip(rng.normal(np.where(whole_good, 0.65, 0.35), 0.25), 0, 1)
    one = np.ones(whole.size)
    truth = {
        "kappa": kappa(whole >= 0.5, whole_good, one),
        "auc": auc(whole, whole_good)(one),
        "false_reject": float((whole[whole_good] < 0.3).mean()),
    }
    held = dict.fromkeys(truth, 0)
    for trial in range(300):
        rows = rng.integers(0, whole.size, 80)
        found = agreement(labelled(whole[rows], whole_good[rows]), draws=400, seed=trial)
        assert found is not None
        for name, value in truth.items():
            figure = getattr(found, name)
            held[name] += figure.low <= value <= figure.high
    assert all(0.90 <= count / 300 <= 0.99 for count in held.values()), held


@pytest.mark.slow
def test_weights_undo_the_choice_of_the_queue() -> None:
    """Low scores are 85 % of the run: labels chosen half and half would hide most of the false rejects."""
    rng = RNG(4)
    plain, weighted = [], []
    truth = 0.85 * 0.05 / (0.85 * 0.05 + 0.15 * 0.95)
    for trial in range(200):
        score = (rng.random(400) < 0.15).astype(float)
        good = rng.random(400) < np.where(score == 1, 0.95, 0.05)
        rows = label_queue(observe(score), size=80, seed=trial)
        weight = poststratified(score, score[rows])
        assert weight.mean() == pytest.approx(1.0)
        rejected = (score[rows] < 0.3)[good[rows]]
        plain.append(rejected.mean())
        weighted.append(weighted_share(rejected, weight[good[rows]])[0])
    assert abs(np.mean(plain) - truth) > 0.10
    assert abs(np.mean(weighted) - truth) < 3 * np.std(weighted) / np.sqrt(200) + 0.01


def test_the_verdicts_bound_takes_the_weights() -> None:
    score = np.repeat([0.1, 0.9], 20)
    good = np.repeat([1, 1], 20)
    assert disagreement((score, good), Thresholds()) == pytest.approx(
        disagreement((score, good), Thresholds(), np.ones(40))
    )
    rare = np.repeat([0.1, 1.9], 20)
    assert disagreement((score, good), Thresholds(), rare) < 0.10 < disagreement((score, good), Thresholds())  # type: ignore[operator]


def test_the_queue_takes_both_ends_and_the_middle_across_topics_and_prompts() -> None:
    rng = RNG(5)
    score = np.clip(rng.normal(0.5, 0.3, 400), 0, 1)
    score[:8] = np.nan
    seen = observe(score, rollouts=4, topics=[f"t{row // 4 % 5}" for row in range(400)])
    rows = label_queue(seen, seed=7)
    assert rows == label_queue(seen, seed=7)
    assert rows != label_queue(seen, seed=8)
    assert len(set(rows)) == 20
    assert len({int(seen.prompt[row]) for row in rows}) == 20
    counts = np.bincount(np.minimum((score[rows] * 5).astype(int), 4), minlength=5)
    assert counts[0] >= 5
    assert counts[4] >= 5
    assert counts[1:4].min() >= 1
    topics = np.unique(seen.topic[rows], return_counts=True)[1]
    assert topics.size == 5
    assert topics.max() - topics.min() <= 2


def test_the_queue_passes_over_own_labels_and_takes_others_last() -> None:
    seen = observe(np.linspace(0, 1, 30))
    own, others = set(range(5)), set(range(5, 15))
    rows = label_queue(seen, own, others, size=15)
    assert not set(rows) & (own | others)
    assert set(label_queue(seen, own, others, size=99)) == set(range(5, 30))
    assert label_queue(seen, set(range(30))) == []


def test_words_say_how_many_are_missing_and_when_people_differ() -> None:
    few = labelled(np.array([0.0, 1.0]), np.array([0, 1]), differing=1, several=2)
    told = agreement_words(agreement(few), few, Thresholds())
    assert told[0] == "2 responses labelled good or bad by 1 person; from 20 on labels enter the verdict."
    assert "differ on 1" in told[-1]
    flipped = labelled(np.tile([0.0, 1.0], 15), np.tile([1, 0], 15), people=2)
    told = agreement_words(agreement(flipped), flipped, Thresholds())
    assert "rejects 100 % (80 % to 100 %)" in told[1]
    assert any("Kappa is below 0.40" in sentence for sentence in told)
    assert any("AUC is below 0.70" in sentence for sentence in told)
