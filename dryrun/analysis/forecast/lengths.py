"""How long responses are where some were cut: the product-limit estimate of Kaplan and Meier.

A truncated response says that its length is more than what is seen. Left out, or taken as it is, it makes
responses look shorter than they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CUT_SHARE = 0.02
"""Share of responses that a proposed limit may cut."""
ROUNDING = 1e-9
STEP = 64
"""A proposed limit is a multiple of this number of tokens."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lengths:
    """The distribution of the lengths.

    Attributes
    ----------
    at : float64 array of shape (n,)
        Lengths at which a response ended by itself, in tokens, increasing.
    beyond : float64 array of shape (n,)
        Share of responses that are longer than each.
    longest : float
        The longest that was seen, cut or not; nothing is known beyond.
    responses, cut : int
    """

    at: Floats
    beyond: Floats
    longest: float
    responses: int
    cut: int

    def longer_than(self, limit: float) -> float | None:
        """Share of responses longer than `limit` tokens; None where it is not known."""
        if limit > self.longest or (limit == self.longest and self.beyond.size and self.beyond[-1] > 0):
            return 0.0 if self.beyond.size and self.beyond[-1] == 0 else None
        place = int(np.searchsorted(self.at, limit, side="right"))
        return 1.0 if place == 0 else float(self.beyond[place - 1])

    def mean(self, limit: float) -> float | None:
        """Mean number of tokens where responses are cut at `limit`; None where it is not known.

        The area under the share that is longer, from 0 to the limit.
        """
        whole = bool(self.beyond.size) and self.beyond[-1] == 0
        if limit > self.longest and not whole:
            return None
        edges = np.concatenate([[0.0], self.at[self.at < limit], [min(limit, self.longest)]])
        heights = np.concatenate([[1.0], self.beyond[self.at < limit]])
        return float(np.sum(np.diff(edges) * heights))

    def proposal(self, share: float = CUT_SHARE) -> int | None:
        """The least limit, a multiple of `STEP`, that cuts at most `share`; None where it is not known."""
        enough = np.flatnonzero(self.beyond <= share + ROUNDING)
        if not enough.size:
            return None
        return int(np.ceil(self.at[enough[0]] / STEP) * STEP)


def lengths_of(tokens: Floats, cut: NDArray[np.bool_]) -> Lengths | None:
    """Estimate it; None without a response.

    Parameters
    ----------
    tokens : float64 array of shape (n,)
        Length of each response; NaN is left out.
    cut : bool array of shape (n,)
        Whether it was cut at that length.

    References
    ----------
    Kaplan and Meier (1958), Nonparametric estimation from incomplete observations.
    """
    known = np.isfinite(tokens)
    tokens, cut = tokens[known], cut[known]
    if not tokens.size:
        return None
    at, place = np.unique(tokens, return_inverse=True)
    ended = np.bincount(place, ~cut, at.size)
    # At risk of ending at a length: all that are at least as long. A response cut there is among them.
    risk = tokens.size - np.searchsorted(np.sort(tokens), at, side="left")
    beyond: Floats = np.cumprod(1 - ended / risk).astype(np.float64)
    some = ended > 0
    return Lengths(at[some], beyond[some], float(tokens.max()), int(tokens.size), int(cut.sum()))
