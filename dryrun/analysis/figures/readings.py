"""What responses say, read beside what they earn: right and paid, right and unpaid, not right."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.redraw import Z95, Interval, independent_trials, wilson
from dryrun.analysis.figures.statistics import CONSTANT
from dryrun.core.text import percent

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PAID = 0.5
"""A right answer that earns less is unpaid."""
LEAST = 30
"""With fewer responses that could be read, the shares say nothing."""
LEAST_EACH = 5
"""With fewer right, or fewer wrong, responses nothing shows whether scores follow right answers."""
LEAST_PROMPTS = 8
"""With fewer prompts nothing shows how alike the responses to a prompt are."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the responses that could be read, with its 95 % interval (Wilson, over prompts)."""

    value: float
    interval: Interval

    def __str__(self) -> str:
        low, high = percent(self.interval.low), percent(self.interval.high)
        return f"{percent(self.value)} ({low} to {high})"


@dataclass(frozen=True, slots=True)
class Readings:
    """Three shares that add up to 1.

    Attributes
    ----------
    right_paid, right_unpaid, not_right : Share
    read : int
        Responses whose answer is beyond doubt.
    open : int
        Responses that a careful reader could doubt; they are in no share.
    as_asked_unpaid : Share or None
        Of `right_unpaid` those in the form that their prompt asks for; None where that was not kept.
    """

    right_paid: Share
    right_unpaid: Share
    not_right: Share
    read: int
    open: int
    as_asked_unpaid: Share | None = None

    @property
    def right(self) -> float:
        """Share of right responses, paid or not."""
        return self.right_paid.value + self.right_unpaid.value


def readings(
    score: Floats, says: Floats, prompt: Ints | None = None, formed: NDArray[np.bool_] | None = None
) -> Readings | None:
    """The three shares; None with fewer than `LEAST` responses that could be read.

    Parameters
    ----------
    score : float64 array of shape (n,)
        On 0..1; NaN where there is none.
    says : float64 array of shape (n,)
        1 for a response that is right, 0 for one that is not, NaN where a reader could doubt it.
    prompt : int64 array of shape (n,), optional
        Which prompt each answers: responses to one are alike. None: runs that did not keep it.
    formed : bool array of shape (n,), optional
        Which are right in the form that the prompt asks for.
    """
    known = np.isfinite(says) & np.isfinite(score)
    total = int(known.sum())
    if total < LEAST:
        return None
    right, paid = says[known] == 1.0, score[known] >= PAID

    def share(hits: NDArray[np.bool_]) -> Share:
        value = float(hits.mean())
        trials = total if prompt is None else independent_trials(hits, prompt[known])
        return Share(value, Interval(*wilson(value, trials)))

    return Readings(
        right_paid=share(right & paid),
        right_unpaid=share(right & ~paid),
        not_right=share(~right),
        read=total,
        open=int(says.size - total),
        as_asked_unpaid=None if formed is None else share(right & ~paid & formed[known]),
    )


@dataclass(frozen=True, slots=True)
class RightSpread:
    """How much the responses to one prompt differ in being right.

    Attributes
    ----------
    value : float
        Standard deviation within prompts, on 0..0.71: 0.5 where each is right as often as not.
    interval : Interval
        95 %, Wilson's of the chance that of two responses to a prompt one is right: twice the variance.
    """

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Follows:
    """Whether scores follow right answers among real responses.

    Attributes
    ----------
    value : float
        Correlation of the score with being right, on -1..1.
    interval : Interval
        95 % by Fisher's z, whose error is that of leaving out one prompt after the other.
    spread : RightSpread or None
        None where prompts were not kept, or too few have two responses that were read.
    """

    value: float
    interval: Interval
    spread: RightSpread | None = None


def follows(score: Floats, says: Floats, prompt: Ints | None = None) -> Follows | None:
    """The correlation; None with too few right or wrong responses or prompts, or one score for all.

    Parameters
    ----------
    score, says, prompt : arrays of shape (n,)
        As for `readings`. Without `prompt` half of the responses are counted, since they are alike.
    """
    known = np.isfinite(says) & np.isfinite(score)
    score, right = score[known], says[known] == 1.0
    few = min(int(right.sum()), int((~right).sum())) < LEAST_EACH
    if right.size < LEAST or few or float(np.ptp(score)) <= CONSTANT:
        return None
    value = float(np.corrcoef(score, right)[0, 1])
    error, spread = 1 / math.sqrt(right.size / 2 - 3), None
    if prompt is not None:
        _, index = np.unique(prompt[known], return_inverse=True)
        if index.max() + 1 < LEAST_PROMPTS:
            return None
        error = max(_error_over_prompts(score, right, index), 1 / math.sqrt(right.size - 3))
        spread = _spread_within(right, index)
    z, half = float(_fisher(value)), Z95 * error
    return Follows(value, Interval(math.tanh(z - half), math.tanh(z + half)), spread)


def _fisher(correlation: Floats | float) -> Floats:
    """Fisher's z, which has no end at a correlation of 1."""
    z: Floats = np.arctanh(np.clip(correlation, -0.999, 0.999))
    return z


def _spread_within(right: NDArray[np.bool_], index: Ints) -> RightSpread | None:
    """Of the pooled variance of being right within prompts (n - 1 in each denominator)."""
    count, hits = np.bincount(index), np.bincount(index, right)
    several = count >= 2
    if several.sum() < LEAST_PROMPTS:
        return None
    count, hits = count[several], hits[several]
    trials = int((count - 1).sum())
    one_of_two = 2 * float((hits - hits**2 / count).sum()) / trials
    low, high = wilson(min(one_of_two, 1.0), trials)
    return RightSpread(math.sqrt(one_of_two / 2), Interval(math.sqrt(low / 2), math.sqrt(high / 2)))


def _error_over_prompts(score: Floats, right: NDArray[np.bool_], index: Ints) -> float:
    """Standard error of Fisher's z by the jackknife over prompts (Efron and Tibshirani 1993, chapter 11)."""
    x, y = score - score.mean(), right - right.mean()
    sums = [np.bincount(index, part) for part in (np.ones_like(x), x, y, x * x, y * y, x * y)]
    n, sx, sy, xx, yy, xy = (each.sum() - each for each in sums)
    spread = np.sqrt(np.maximum((xx - sx * sx / n) * (yy - sy * sy / n), 0.0))
    z = _fisher(np.where(spread > CONSTANT, (xy - sx * sy / n) / np.maximum(spread, CONSTANT), 0.0))
    return float(np.sqrt((z.size - 1) * ((z - z.mean()) ** 2).mean()))
