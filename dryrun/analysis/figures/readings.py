"""What responses say, read beside what they earn: right and paid, right and unpaid, not right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.redraw import Interval, wilson
from dryrun.core.text import percent

Floats = NDArray[np.float64]

PAID = 0.5
"""A right answer that earns less is unpaid."""
LEAST = 30
"""Responses that could be read, without which the shares say nothing."""


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
