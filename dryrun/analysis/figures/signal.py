"""The Signal Index: what is left of the training signal after dead groups, noise and a narrow grader."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dryrun.analysis.figures.anchors import Scale
from dryrun.analysis.figures.groups import Groups
from dryrun.core.thresholds import Thresholds

USABLE, RELIABILITY, RANGE = "usable groups", "reliability of the grade", "range of the grader"


@dataclass(frozen=True, slots=True)
class SignalIndex:
    """The product and its factors, each on 0..1.

    Attributes
    ----------
    value : float
        ``usable * reliability * range``.
    usable : float
        Share of training groups whose rewards differ.
    reliability : float
        Square root of the share of the spread within prompts that is not the grader's noise: how closely a
        grade follows what it would be without noise.
    range : float
        ``clip((right answers - best junk) / full_range, 0, 1)``.

    Notes
    -----
    In simulated GRPO over 1,053 combinations of difficulty, spread and grader it tells runs that gain from
    those that do not with an AUC of 0.87, the decision tree with 0.59; runs below 0.10 gain next to
    nothing, 9 of 10 above 0.30 gain. A direction, not a magnitude: a bandit is no language model.
    """

    value: float
    usable: float
    reliability: float
    range: float

    @property
    def weakest(self) -> str:
        """The smallest factor by name."""
        factors = {USABLE: self.usable, RELIABILITY: self.reliability, RANGE: self.range}
        return min(factors, key=factors.__getitem__)


def signal_index(
    found: Groups | None, reliability: float | None, at: Scale | None, limits: Thresholds
) -> SignalIndex | None:
    """The index; None unless all three factors were measured.

    Parameters
    ----------
    found : Groups or None
    reliability : float or None
        Share of the variance within prompts that is signal; at most 1.
    at : Scale or None
    limits : Thresholds
        For `full_range`.
    """
    if found is None or reliability is None or at is None or at.floor is None:
        return None
    faithful = math.sqrt(min(max(reliability, 0.0), 1.0))
    wide = min(max((at.ceiling - at.floor) / limits.full_range, 0.0), 1.0)
    return SignalIndex(found.usable * faithful * wide, found.usable, faithful, wide)
