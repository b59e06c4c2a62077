"""How many responses refuse in plain words and earn nothing for it, and how the others do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.readings import LEAST, PAID, Floats, Ints, Share
from dryrun.analysis.figures.redraw import Interval, independent_trials, wilson

SHOWN_ROWS = 8


@dataclass(frozen=True, slots=True)
class Refusals:
    """Responses that refuse and are not paid for it; where refusing is right, the grader pays it.

    Attributes
    ----------
    share : Share
        Of the responses that were read.
    count, read : int
    rows : tuple of int
        Dataset rows (from 1) of some of them.
    rest : float or None
        Mean score of the others, on 0..1; None where there is no other.
    """

    share: Share
    count: int
    read: int
    rows: tuple[int, ...]
    rest: float | None

    @property
    def where(self) -> str:
        """The rows in words: ``"rows 3, 7, ..."``."""
        more = ", ..." if self.count > len(self.rows) else ""
        return f"rows {', '.join(map(str, self.rows))}{more}"


def refusals(score: Floats, refusing: NDArray[np.bool_], prompt: Ints, row: Ints) -> Refusals | None:
    """Count them; None with fewer than `LEAST` responses.

    Parameters
    ----------
    score : float64 array of shape (n,)
        On 0..1.
    refusing : bool array of shape (n,)
    prompt, row : int64 array of shape (n,)
        The prompt of each, and its dataset row (from 1).
    """
    if score.size < LEAST:
        return None
    hits = refusing & (score < PAID)
    value = float(hits.mean())
    interval = Interval(*wilson(value, independent_trials(hits, prompt)))
    rest = score[~hits & np.isfinite(score)]
    return Refusals(
        share=Share(value, interval),
        count=int(hits.sum()),
        read=int(score.size),
        rows=tuple(np.unique(row[hits])[:SHOWN_ROWS].tolist()),
        rest=float(rest.mean()) if rest.size else None,
    )
