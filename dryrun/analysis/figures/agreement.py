"""Do people and the grader agree? Labels of responses against their scores.

Responses to label are chosen by score (see `dryrun.analysis.selection`), so that few labels tell much.
For figures of the whole run, each label is weighted by the share of responses in its bin of scores. Without
weights the grader would look better or worse than it is, depending on the responses that were read.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.redraw import wilson
from dryrun.analysis.figures.statistics import BIN_EDGES, bin_index, is_valid
from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.thresholds import Thresholds

PASS = 0.5
"""A score from here on says "right", for kappa; the document's boundary of the grader."""
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Labelled:
    """What people said of responses that have a score; arrays of shape (n,).

    Attributes
    ----------
    score : float64 array
        On 0..1.
    good : int64 array
        1 good, 0 bad: the majority's word.
    prompt : int64 array
        The unit of re-drawing.
    weight : float64 array
        How many responses of the run each one stands for.
    people : int
        How many labelled anything.
    unsure : int
        Responses of which nobody said good or bad.
    disputed : int
        Responses that as many people call good as bad: in no figure.
    differing : int
        Responses of which not everybody says the same, the disputed ones among them.
    several : int
        Responses that more than one person called good or bad.
    """

    score: Floats
    good: Ints
    prompt: Ints
    weight: Floats
    people: int = 1
    unsure: int = 0
    disputed: int = 0
    differing: int = 0
    several: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval (Wilson)."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval, if enough re-draws have one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """People and grader, side by side.

    Attributes
    ----------
    labels, good : int
        Responses with a settled label, and those called good.
    share_good : float
        Estimated share of all responses of the run that people would call good.
    kappa : Figure or None
        Cohen's kappa of "score of 0.5 or more" with the label; None where one side never varies.
    auc : Figure or None
        Chance that a good response scores higher than a bad one; None without both kinds.
    false_reject, false_accept : Rate or None
        Good responses scored below `Thresholds.false_reject`; bad ones above `false_accept`. None without a
        label of that kind.
    """

    labels: int
    good: int
    share_good: float
    kappa: Figure | None
    auc: Figure | None
    false_reject: Rate | None
    false_accept: Rate | None


def poststratified(population: Floats, score: Floats) -> Floats:
    """How many responses of the run each labelled one stands for, by the report's five bins of scores.

    Parameters
    ----------
    population, score : float64 array
        Scores of the whole run, and of the labelled responses.

    Returns
    -------
    float64 array of the shape of `score`
        With mean 1. Bins without a label stand for nothing: that part of the run is not judged.

    References
    ----------
    Holt and Smith, Post Stratification, JRSS A 142 (1979).
    """
    bins = len(BIN_EDGES) - 1
    whole = np.bincount(bin_index(population[is_valid(population)], BIN_EDGES), minlength=bins)
    where = bin_index(score, BIN_EDGES)
    weight = (whole / np.maximum(np.bincount(where, minlength=bins), 1))[where]
    total = float(weight.sum())
    return weight * (score.size / total) if total > 0 else np.ones(score.size)


def weighted_share(hits: Bools, weight: Floats) -> tuple[float, float]:
    """A weighted share and the number of equal trials it is worth (Kish: squared sum over sum of squares)."""
    total = float(weight.sum())
    if total <= 0:
        return 0.0, 0.0
    return float(weight[hits].sum()) / total, total**2 / float((weight**2).sum())


def agreement(
    labelled: Labelled, thresholds: Thresholds | None = None, draws: int = DRAWS, seed: int = 0
) -> Agreement | None:
    """Compare people with the grader; None without a settled label.

    Parameters
    ----------
    labelled : Labelled
    thresholds : Thresholds, optional
        For `false_reject` and `false_accept`.
    draws, seed : int
        Of the re-drawing of prompts that gives kappa and AUC their intervals.
    """
    limits, score, weight = thresholds or Thresholds(), labelled.score, labelled.weight
    if not score.size:
        return None
    good = labelled.good == 1
    rows = _redrawn(labelled.prompt, draws, seed) * weight
    return Agreement(
        labels=int(score.size),
        good=int(good.sum()),
        share_good=weighted_share(good, weight)[0],
        kappa=_figure(lambda drawn: kappa(score >= PASS, good, drawn), weight, rows),
        auc=_figure(auc(score, good), weight, rows),
        false_reject=_rate(score[good] < limits.false_reject, weight[good]),
        false_accept=_rate(score[~good] > limits.false_accept, weight[~good]),
    )


def kappa(first: Bools, second: Bools, weight: Floats) -> float:
    """Cohen's kappa of two yes/no judgements; NaN where one of them never varies.

    References
    ----------
    Cohen, Educational and Psychological Measurement 20 (1960).
    """
    total = float(weight.sum())
    if total <= 0:
        return math.nan
    share = weight / total
    yes, other_yes = (round(float(share[side].sum()), 12) for side in (first, second))
    chance = yes * other_yes + (1 - yes) * (1 - other_yes)
    agreed = float(share[first == second].sum())
    varies = 0 < yes < 1 and 0 < other_yes < 1
    return (agreed - chance) / (1 - chance) if varies else math.nan


def auc(score: Floats, good: Bools) -> Callable[[Floats], float]:
    """Chance that a good response scores higher than a bad one, ties counted half, by the rows' weights.

    References
    ----------
    Mann and Whitney, Annals of Mathematical Statistics 18 (1947).
    """
    _, level = np.unique(score, return_inverse=True)
    size = int(level.max()) + 1 if level.size else 0
    bad = ~good
    good_level, bad_level = level[good], level[bad]

    def of_weight(weight: Floats) -> float:
        right = np.bincount(good_level, weight[good], size)
        wrong = np.bincount(bad_level, weight[bad], size)
        pairs = float(right.sum() * wrong.sum())
        below = np.cumsum(wrong) - wrong
        return float((right * (below + wrong / 2)).sum()) / pairs if pairs > 0 else math.nan

    return of_weight


def _redrawn(prompt: Ints, draws: int, seed: int) -> Floats:
    """How often each row stands in each re-draw of the prompts; shape (draws, n)."""
    _, index = np.unique(prompt, return_inverse=True)
    prompts = int(index.max()) + 1
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(prompts, np.full(prompts, 1 / prompts), size=draws)
    return counts[:, index].astype(np.float64)


def _figure(measure: Callable[[Floats], float], weight: Floats, rows: Floats) -> Figure | None:
    value = measure(weight)
    if not math.isfinite(value):
        return None
    drawn = np.array([measure(row) for row in rows])
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size < rows.shape[0] / 2:
        return Figure(value, None, None)
    low, high = np.quantile(drawn, [0.025, 0.975])
    if high - low < 1e-9:  # every label agrees: re-drawing them cannot show what others would say
        return Figure(value, None, None)
    return Figure(value, float(low), float(high))


def _rate(hits: Bools, weight: Floats) -> Rate | None:
    if not hits.size:
        return None
    share, trials = weighted_share(hits, weight)
    return Rate(share, *wilson(share, trials))
