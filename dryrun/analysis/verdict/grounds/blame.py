"""The grader's share of a shortfall: what perfect answers would not mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.agreement import weighted_share
from dryrun.analysis.figures.anchors import Anchors, Scale
from dryrun.analysis.figures.redraw import Interval, PromptSums, redrawn, wilson
from dryrun.analysis.verdict.tree import Branch
from dryrun.core.arrays import Floats

DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Blame:
    """The grader's share of what stopped the run, on 0..1; the rest is the prompts'.

    Attributes
    ----------
    share : float
    interval : Interval
        95 %: reference answers, worthless ones and prompts drawn again.
    by_people : bool
        From people's labels: there was no other evidence.
    """

    share: float
    interval: Interval
    by_people: bool = False


def blame(
    branch: Branch, sums: PromptSums, anchors: Anchors, at: Scale, right_from: float = 0.5, seed: int = 0
) -> Blame | None:
    """Whose fault it is that the tree stopped the run; None where the anchors needed are missing.

    Parameters
    ----------
    branch : Branch
        Where the tree ended; not PROCEED.
    sums : PromptSums
        Of the run's valid scores.
    anchors : Anchors
    at : Scale
        Where they lie.
    right_from : float
        `Thresholds.right_from`: where some references are broken, those from here on are re-drawn.
    seed : int

    Notes
    -----
    Mean too low: ``(1 - right) / (1 - mean)``, with the lower of the reference answers' means as they
    stand and reformatted. Mean too high: ``worthless / mean``, with the median kind. No spread:
    ``1 - (right - worthless)``.
    """
    rng = np.random.default_rng(seed)
    mean = np.array([sums.center + sums.total.sum() / sums.count.sum()])
    means, _ = redrawn(sums, DRAWS, seed)
    right, worthless = _right(at), at.floor_median
    if right is None:
        return None
    if branch is not Branch.MEAN_TOO_LOW and worthless is None:
        return None
    floor = np.array([worthless or 0.0])
    center = _share(branch, mean, np.array([right if branch is Branch.MEAN_TOO_LOW else at.ceiling]), floor)
    rights = _right_draws(anchors, at, branch is Branch.MEAN_TOO_LOW, right_from, rng)
    floors = _worthless_draws(anchors.junk, rng) if anchors.junk else np.zeros(DRAWS)
    low, high = np.quantile(_share(branch, means, rights, floors), [0.025, 0.975])
    if low == high:  # answers that all earn the same have no spread to draw an interval from
        graded = [anchors.reference, anchors.stronger, *anchors.junk.values()]
        low, high = wilson(float(center[0]), max(scores.size for scores in graded if scores is not None))
    return Blame(float(center[0]), Interval(float(low), float(high)))


def blame_by_people(
    branch: Branch, sums: PromptSums, anchors: Anchors, least: int, seed: int = 0
) -> Blame | None:
    """Without right answers: what people's share of good responses would add to the mean, or take off.

    None with fewer than `least` labels, or where the scores have no spread.
    """
    people = anchors.people
    if people is None or people[0].size < least or branch is Branch.LOW_VARIANCE:
        return None
    weight = np.ones(people[0].size) if anchors.people_weight is None else anchors.people_weight
    mean = np.array([sums.center + sums.total.sum() / sums.count.sum()])
    means, _ = redrawn(sums, DRAWS, seed)
    good = people[1] == 1
    share, _ = weighted_share(good, weight)
    chosen = np.random.default_rng(seed).integers(0, good.size, (DRAWS, good.size))
    shares = (weight * good)[chosen].sum(axis=1) / weight[chosen].sum(axis=1)
    low, high = np.quantile(_by_people(branch, means, shares), [0.025, 0.975])
    center = _by_people(branch, mean, np.array([share]))
    return Blame(float(center[0]), Interval(float(low), float(high)), by_people=True)


def _by_people(branch: Branch, mean: Floats, good: Floats) -> Floats:
    up = branch is Branch.MEAN_TOO_LOW
    share = (good - mean) / np.maximum(1 - mean, 1e-9) if up else (mean - good) / np.maximum(mean, 1e-9)
    clipped: Floats = np.clip(share, 0.0, 1.0)
    return clipped


def _share(branch: Branch, mean: Floats, right: Floats, worthless: Floats) -> Floats:
    if branch is Branch.MEAN_TOO_LOW:
        share = (1 - right) / np.maximum(1 - mean, 1e-9)
    elif branch is Branch.MEAN_TOO_HIGH:
        share = worthless / np.maximum(mean, 1e-9)
    else:
        share = 1 - (right - worthless)
    clipped: Floats = np.clip(share, 0.0, 1.0)
    return clipped


def _right(at: Scale) -> float | None:
    return at.ceiling if at.reformatted is None else min(at.ceiling, at.reformatted)


def _right_draws(
    anchors: Anchors, at: Scale, low: bool, right_from: float, rng: np.random.Generator
) -> Floats:
    """Means of re-drawn reference answers; the lower of both forms where the mean is too low."""
    if anchors.reference is None:
        return _ceiling_draws(anchors, rng)
    valid = np.isfinite(anchors.reference)
    if at.broken:
        valid &= anchors.reference >= right_from
    drawn = _means(anchors.reference[valid], rng)
    if not low or at.reformatted is None or anchors.reformatted is None:
        return drawn
    return np.minimum(drawn, _means(anchors.reformatted[np.isfinite(anchors.reformatted)], rng))


def _ceiling_draws(anchors: Anchors, rng: np.random.Generator) -> Floats:
    assert anchors.stronger is not None
    valid = anchors.stronger[np.isfinite(anchors.stronger)]
    drawn: Floats = np.quantile(_drawn(valid, rng), 0.9, axis=1)
    return drawn


def _worthless_draws(worthless: Mapping[str, Floats], rng: np.random.Generator) -> Floats:
    valid = [scores[np.isfinite(scores)] for scores in worthless.values()]
    medians: Floats = np.median([_means(scores, rng) for scores in valid if scores.size], axis=0)
    return medians


def _means(values: Floats, rng: np.random.Generator) -> Floats:
    means: Floats = _drawn(values, rng).mean(axis=1)
    return means


def _drawn(values: Floats, rng: np.random.Generator) -> Floats:
    return values[rng.integers(0, values.size, (DRAWS, values.size))]
