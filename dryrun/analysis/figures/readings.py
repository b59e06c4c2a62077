"""What responses say, read beside what they earn: right and paid, right and unpaid, not right."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.redraw import Z95, Interval, wilson
from dryrun.analysis.figures.statistics import CONSTANT
from dryrun.core.text import percent

Floats = NDArray[np.float64]

PAID = 0.5
"""A right answer that earns less is unpaid."""
LEAST = 30
"""Responses that could be read, without which the shares say nothing."""
LEAST_EACH = 5
"""Right ones, and wrong ones, without which nothing says whether scores follow right answers."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the responses that could be read, with its 95 % interval (Wilson)."""

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
    """

    right_paid: Share
    right_unpaid: Share
    not_right: Share
    read: int
    open: int

    @property
    def right(self) -> float:
        """Share of right responses, paid or not."""
        return self.right_paid.value + self.right_unpaid.value


def readings(score: Floats, says: Floats) -> Readings | None:
    """The three shares; None with fewer than `LEAST` responses that could be read.

    Parameters
    ----------
    score : float64 array of shape (n,)
        On 0..1; NaN where there is none.
    says : float64 array of shape (n,)
        1 for a response that is right, 0 for one that is not, NaN where a reader could doubt it.
    """
    known = np.isfinite(says) & np.isfinite(score)
    total = int(known.sum())
    if total < LEAST:
        return None
    right, paid = says[known] == 1.0, score[known] >= PAID

    def share(hits: NDArray[np.bool_]) -> Share:
        value = float(hits.mean())
        return Share(value, Interval(*wilson(value, total)))

    return Readings(
        right_paid=share(right & paid),
        right_unpaid=share(right & ~paid),
        not_right=share(~right),
        read=total,
        open=int(says.size - total),
    )


@dataclass(frozen=True, slots=True)
class Follows:
    """Whether scores follow right answers among real responses.

    Attributes
    ----------
    value : float
        Correlation of the score with being right, on -1..1.
    interval : Interval
        95 % by Fisher's z. Responses to one prompt are alike, so half of them are counted.
    """

    value: float
    interval: Interval


def follows(score: Floats, says: Floats) -> Follows | None:
    """The correlation; None with too few right or wrong responses, or one score for all.

    Parameters
    ----------
    score, says : float64 arrays of shape (n,)
        As for `readings`.
    """
    known = np.isfinite(says) & np.isfinite(score)
    score, right = score[known], says[known] == 1.0
    few = min(int(right.sum()), int((~right).sum())) < LEAST_EACH
    if right.size < LEAST or few or float(np.ptp(score)) <= CONSTANT:
        return None
    value = float(np.corrcoef(score, right)[0, 1])
    # At a correlation of 1 Fisher's z has no end.
    z, half = math.atanh(min(max(value, -0.999), 0.999)), Z95 / math.sqrt(right.size / 2 - 3)
    return Follows(value, Interval(math.tanh(z - half), math.tanh(z + half)))
