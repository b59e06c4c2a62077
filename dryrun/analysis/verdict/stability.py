"""How the verdict holds when prompts are drawn again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.redraw import DRAWS, Z95_ONE_SIDED, Interval, PromptSums, redrawn
from dryrun.analysis.figures.statistics import TOLERANCE
from dryrun.analysis.verdict.tree import Branch, decide
from dryrun.core.arrays import Floats
from dryrun.core.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Stability:
    """What re-drawing the prompts does to the figures and the verdict.

    Attributes
    ----------
    mean, std : Interval
        Percentile bootstrap, 95 %.
    same_verdict, same_branch : float
        Share of re-draws whose verdict (GO or NO-GO), and whose branch of the tree, is that of the run.
        Readable as a probability that sampling alone did not decide; silent about a grader that lies.
    more_prompts : int or None
        Further prompts after which the figure would be about 1.6 standard errors from its threshold;
        None where the verdict is stable, or no number would do.
    draws, prompts : int
    """

    mean: Interval
    std: Interval
    same_verdict: float
    same_branch: float
    more_prompts: int | None
    draws: int
    prompts: int = 0


def branches(mean: Floats, std: Floats, thresholds: Thresholds) -> NDArray[np.int64]:
    """The decision tree over arrays: 0 mean too low, 1 mean too high, 2 low variance, 3 proceed."""
    conditions = [
        mean < thresholds.mean_low - TOLERANCE,
        mean > thresholds.mean_high + TOLERANCE,
        std < thresholds.std_low - TOLERANCE,
    ]
    return np.select(conditions, [0, 1, 2], 3)


def stability(
    score: Floats, prompt: NDArray[np.int64], thresholds: Thresholds, draws: int = DRAWS, seed: int = 0
) -> Stability | None:
    """How the verdict holds under re-drawing; None with fewer than two prompts or scores.

    Parameters
    ----------
    score : float64 array of shape (n,)
        On 0..1; NaN where there is none.
    prompt : int64 array of shape (n,)
    thresholds : Thresholds
    draws, seed : int
    """
    sums = PromptSums.of(score, prompt)
    if sums.count.size < 2 or sums.count.sum() < 3:
        return None
    draws = draws if sums.count.size <= 5000 else max(200, draws // 4)
    mean, std = _redrawn(
        sums.count.tobytes(), sums.total.tobytes(), sums.square.tobytes(), sums.center, draws, seed
    )
    valid = score[np.isfinite(score)]
    at_mean, at_std = float(valid.mean()), float(valid.std(ddof=1))
    order = [Branch.MEAN_TOO_LOW, Branch.MEAN_TOO_HIGH, Branch.LOW_VARIANCE, Branch.PROCEED]
    here = order.index(decide(at_mean, at_std, thresholds))
    drawn = branches(mean, std, thresholds)
    same_verdict = float(((drawn == 3) == (here == 3)).mean())
    more = None
    if same_verdict < thresholds.stability:
        more = _more_prompts(at_mean, at_std, mean, std, sums.count.size, thresholds)
    return Stability(
        mean=_interval(mean),
        std=_interval(std),
        same_verdict=same_verdict,
        same_branch=float((drawn == here).mean()),
        more_prompts=more,
        draws=draws,
        prompts=int(sums.count.size),
    )


@lru_cache(maxsize=4)
def _redrawn(
    count: bytes, total: bytes, square: bytes, center: float, draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Drawn once for equal scores: a threshold that is moved leaves the re-draws as they are."""
    sums = PromptSums(np.frombuffer(count), np.frombuffer(total), np.frombuffer(square), center)
    mean, std = redrawn(sums, draws, seed)
    mean.flags.writeable = std.flags.writeable = False
    return mean, std


def _interval(values: Floats) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(low), float(high))


def _more_prompts(
    mean: float, std: float, means: Floats, stds: Floats, prompts: int, thresholds: Thresholds
) -> int | None:
    """Further prompts for the figure nearest to a threshold, counted in its own standard errors."""
    candidates = [
        (abs(mean - thresholds.mean_low), float(means.std())),
        (abs(mean - thresholds.mean_high), float(means.std())),
        (abs(std - thresholds.std_low), float(stds.std())),
    ]
    distance, error = min(candidates, key=lambda pair: pair[0] / max(pair[1], 1e-12))
    if distance < 1e-6:
        return None
    needed = prompts * (Z95_ONE_SIDED * error / distance) ** 2
    more = int(np.ceil(needed - prompts))
    return None if more > 100 * prompts else max(more, 10)
