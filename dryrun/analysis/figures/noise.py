"""How far a grader's number moves by itself, and what that explains."""

from __future__ import annotations

import math

import numpy as np

from dryrun.analysis.figures.anchors import Anchors, Scale
from dryrun.analysis.figures.redraw import Z95, wilson
from dryrun.core.arrays import Floats


def noise(regraded: Floats | None) -> float | None:
    """Standard deviation of one grade around the average grade of its response; None if not measured."""
    if regraded is None:
        return None
    whole = regraded[np.isfinite(regraded).all(axis=1)]
    if whole.shape[0] < 2 or whole.shape[1] < 2:
        return None
    return float(np.sqrt(whole.var(axis=1, ddof=1).mean()))


def reliability(error: float | None, spread: float) -> float | None:
    """1 - error variance / variance of scores, in (-inf, 1]; None if one is not known.

    With the spread within prompts it is what group-relative training sees; with the whole spread
    (one rollout) it is an upper bound.
    """
    if error is None or spread <= 0:
        return None if error is None else (1.0 if error == 0 else 0.0)
    return 1.0 - error**2 / spread**2


def fails_by_chance(anchors: Anchors, at: Scale, error: float | None, fails: float) -> bool:
    """Whether the grader's noise, or its failures here and there, explain why some reference answers fail.

    A score of 0 or 1 that is flipped with chance f moves by ``sqrt(f * (1 - f))``; the share that fails
    is surely larger than f where the noise does not explain it (95 %, Wilson), and than `fails`, the share
    of grades with an error in rows where not all have one, where such failures do not. Scores of any kind
    that differ surely no more than the same response does when it is graded again are noise as well.
    """
    if anchors.reference is None:
        return False
    reference = anchors.reference[np.isfinite(anchors.reference)]
    if _no_wider(reference, error or 0.0, anchors.regraded):
        return True
    flipped = (1 - math.sqrt(max(1 - 4 * (error or 0.0) ** 2, 0.0))) / 2
    return wilson(at.failing, reference.size)[0] <= max(flipped, fails)


def _no_wider(reference: Floats, error: float, regraded: Floats | None) -> bool:
    """Whether the variance of these scores is that of the noise: F test, log ratio about normal (95 %)."""
    again = np.inf if regraded is None else np.isfinite(regraded).all(axis=1).sum() * (regraded.shape[1] - 1)
    if reference.size < 2 or error == 0.0 or not again:
        return False
    doubt = math.sqrt(2 / (reference.size - 1) + 2 / again)
    return bool(reference.var(ddof=1) <= error**2 * math.exp(Z95 * doubt))
