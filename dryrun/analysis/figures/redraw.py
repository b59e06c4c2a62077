"""How sure the figures are: intervals, by drawing prompts again.

The unit of re-drawing is the unique prompt: its rollouts resemble each other, and drawing rows would
make intervals far too narrow (62 % coverage for a nominal 95 % at k = 8 and ICC 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dryrun.core.arrays import Bools, Floats, Ints

DRAWS = 2000
BLOCK = 250_000
"""Drawn prompts held in memory at once, of all re-draws together."""
Z95, Z95_ONE_SIDED, Z90_ONE_SIDED = 1.959964, 1.645, 1.2816
"""Quantiles of the normal distribution: both ends of 95 %, one end of 95 % and of 90 %."""
Z95_ROUNDED = 1.96
"""95 % as the planner and pooled topics round it: `Z95` would move stored figures in the sixth digit."""
CONSTANT = 1e-12
"""Scores with a smaller variance are one score."""


class Interval(NamedTuple):
    """A 95 % interval; ``[low, high]`` in JSON."""

    low: float
    high: float

    @property
    def in_percent(self) -> str:
        """As people read a share: ``"4-9 %"``."""
        return f"{100 * self.low:.0f}-{100 * self.high:.0f} %"

    @property
    def signed(self) -> str:
        """As people read a change: ``"-0.02 to +0.10"``."""
        return f"{self.low:+.2f} to {self.high:+.2f}"


def wilson(share: float, trials: float, z: float = Z95) -> tuple[float, float]:
    """Both ends of the Wilson interval of a share of `trials`, on 0..1; 0 and 1 without trials.

    References
    ----------
    Wilson, JASA 22 (1927), equation for the score interval.
    """
    if trials <= 0:
        return 0.0, 1.0
    middle = share + z * z / (2 * trials)
    half = z * math.sqrt(max(share * (1 - share), 0.0) / trials + z * z / (4 * trials * trials))
    below = 1 + z * z / trials
    return max(0.0, (middle - half) / below), min(1.0, (middle + half) / below)


def independent_trials(hits: Bools, prompt: Ints) -> float:
    """The number of independent trials that say as much about a share as these, alike within a prompt.

    Trials divided by the design effect: the variance of the share over prompts by that of as many
    independent trials, and one at least; fewer where few prompts leave that variance unsure (Student's t,
    to the first order). Where all or none are hits, nothing says how alike they are, so
    prompts are counted.

    References
    ----------
    Kish, Survey Sampling (1965), chapter 5; Korn and Graubard, Survey Methodology 24 (1998), section 2.
    """
    _, index = np.unique(prompt, return_inverse=True)
    prompts, trials, share = int(index.max()) + 1, hits.size, float(hits.mean())
    if share in (0.0, 1.0) or prompts == 1:
        return float(prompts)
    off = np.bincount(index, hits - share)
    variance = float((off**2).sum()) * prompts / (prompts - 1) / trials**2
    effect = max(variance * trials / (share * (1 - share)), 1.0)
    unsure = 1 + (Z95**2 + 1) / (4 * (prompts - 1))
    return trials / (effect * unsure**2)


@dataclass(frozen=True, slots=True)
class PromptSums:
    """For each unique prompt with a valid score: the number of scores, their sum, their sum of squares.

    Scores are taken from their common mean `center`, so that squares do not cancel.
    """

    count: Floats
    total: Floats
    square: Floats
    center: float

    @classmethod
    def of(cls, score: Floats, prompt: Ints) -> PromptSums:
        """From long form; NaN scores are left out."""
        valid = np.isfinite(score)
        values, which = score[valid], prompt[valid]
        center = float(values.mean()) if values.size else 0.0
        _, index = np.unique(which, return_inverse=True)
        size = int(index.max()) + 1 if index.size else 0
        off = values - center
        return cls(
            np.bincount(index, minlength=size).astype(np.float64),
            np.bincount(index, off, size).astype(np.float64),
            np.bincount(index, off * off, size).astype(np.float64),
            center,
        )


def redrawn(sums: PromptSums, draws: int = DRAWS, seed: int = 0) -> tuple[Floats, Floats]:
    """Mean and std (ddof = 1) of `draws` re-draws of as many prompts, with replacement.

    Returns
    -------
    mean, std : float64 arrays of shape (draws,)
    """
    prompts = sums.count.size
    rng = np.random.default_rng(seed)
    drawn = np.empty((3, draws))
    rows = min(draws, max(1, BLOCK // max(prompts, 1)))
    taken = np.empty((rows, prompts))
    parts = [*zip(drawn, (sums.count, sums.total, sums.square), strict=True)]
    if (sums.count == sums.count[:1]).all():  # whole numbers: their sum is the same in each re-draw
        drawn[0] = sums.count.sum()
        parts = parts[1:]
    for start in range(0, draws, rows):
        chosen = rng.integers(prompts, size=(min(rows, draws - start), prompts), dtype=np.int32)
        for result, values in parts:
            values.take(chosen, mode="clip", out=taken[: len(chosen)])
            result[start : start + rows] = taken[: len(chosen)].sum(axis=1)
    count, total, square = drawn
    mean = total / count
    spread = np.maximum(square - count * mean * mean, 0.0) / np.maximum(count - 1, 1)
    return mean + sums.center, np.sqrt(spread)


def mean_interval(sums: PromptSums) -> Interval | None:
    """A 95 % interval of the mean by a formula, for figures that are drawn every second; None for one prompt.

    The ratio estimator's variance over prompts, with Student's t to the first order. Where all scores are
    equal nothing says how they vary: a Wilson interval over prompts stands in.

    References
    ----------
    Cochran, Sampling Techniques (1977), section 6.3.
    """
    prompts, scores = int(sums.count.size), float(sums.count.sum())
    if prompts < 2:
        return None
    off = float(sums.total.sum()) / scores
    mean = sums.center + off
    variance = float(((sums.total - off * sums.count) ** 2).sum()) * prompts / (prompts - 1) / scores**2
    if float(sums.square.sum()) / scores - off**2 < CONSTANT:
        return Interval(*wilson(min(max(mean, 0.0), 1.0), prompts))
    half = Z95 * (1 + (Z95**2 + 1) / (4 * (prompts - 1))) * math.sqrt(variance)
    return Interval(max(0.0, mean - half), min(1.0, mean + half))
