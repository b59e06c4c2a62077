"""A mergeable sketch of very many scores: the figures of the report, and how sure they are, in flat memory.

Parts of a run are sketched apart, in any order or on several machines, and added. What is kept: counts on a
grid of 0.0001, exact counts of the report's bins, moments by Chan's merge, and sums over prompts from which
the variance of mean and std follows by the delta method with prompts as the unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.redraw import DRAWS, Interval
from dryrun.analysis.figures.statistics import (
    BIN_LABELS,
    HISTOGRAM_EDGES,
    Percentiles,
    Statistics,
    bimodality_ratio,
    is_valid,
)
from dryrun.analysis.verdict.stability import Stability, branches
from dryrun.analysis.verdict.tree import Branch, decide
from dryrun.core.thresholds import Thresholds

GRID = 10_000
CENTER = 0.5
"""Scores are summed from here, so that squares hardly cancel."""
Z = 1.959964
ORDER = (Branch.MEAN_TOO_LOW, Branch.MEAN_TOO_HIGH, Branch.LOW_VARIANCE, Branch.PROCEED)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of the scores; `sketch_of` makes one, ``+`` merges two.

    Attributes
    ----------
    grid : int64 array of shape (10_001,)
        Valid scores at each multiple of 0.0001, rounded to the nearest.
    bars : int64 array of shape (20,)
        Valid scores in the histogram's bars, exactly.
    floor, ceiling : int
        Scores of exactly 0 and 1.
    n, missing, out_of_range : int
    mean, m2 : float
        Mean, and sum of squared distances from it.
    least, most : float
        Infinite where there is no score.
    prompts : int
        With a valid score.
    first, second : float64 arrays of shape (3,) and (3, 3)
        Sums over prompts of (count, sum, sum of squares) from `CENTER`, and of their products.
    """

    grid: Ints
    bars: Ints
    floor: int
    ceiling: int
    n: int
    missing: int
    out_of_range: int
    mean: float
    m2: float
    least: float
    most: float
    prompts: int
    first: Floats
    second: Floats

    def __add__(self, other: Sketch) -> Sketch:
        """Both together. Their prompts must be different ones."""
        n = self.n + other.n
        step = other.mean - self.mean
        weight = other.n / n if n else 0.0
        return Sketch(
            grid=self.grid + other.grid,
            bars=self.bars + other.bars,
            floor=self.floor + other.floor,
            ceiling=self.ceiling + other.ceiling,
            n=n,
            missing=self.missing + other.missing,
            out_of_range=self.out_of_range + other.out_of_range,
            mean=self.mean + step * weight,
            m2=self.m2 + other.m2 + step * step * self.n * weight,
            least=min(self.least, other.least),
            most=max(self.most, other.most),
            prompts=self.prompts + other.prompts,
            first=self.first + other.first,
            second=self.second + other.second,
        )


def sketch_of(score: Floats, prompt: Ints) -> Sketch:
    """Of one part of a run, which holds all responses to each of its prompts.

    Parameters
    ----------
    score : float64 array of shape (n,)
        NaN where there is no grade.
    prompt : int64 array of shape (n,)
        Fastest where equal ones stand together.
    """
    valid = is_valid(score)
    every = bool(valid.all())
    values = np.clip(score if every else score[valid], 0.0, 1.0)
    finite = score.size if every else int(np.count_nonzero(np.isfinite(score)))
    n = int(values.size)
    off = values - CENTER
    mean = float(off.mean()) if n else 0.0
    rounded = np.rint(values * GRID).astype(np.int32)
    sums = _per_prompt(off, prompt if every else prompt[valid])
    return Sketch(
        grid=np.bincount(rounded, minlength=GRID + 1),
        bars=_bars(values, rounded),
        floor=int(np.count_nonzero(values <= 5e-10)),
        ceiling=int(np.count_nonzero(values >= 1 - 5e-10)),
        n=n,
        missing=int(score.size) - finite,
        out_of_range=finite - n,
        mean=mean + CENTER if n else 0.0,
        m2=float(np.square(off - mean).sum()),
        least=float(values.min()) if n else math.inf,
        most=float(values.max()) if n else -math.inf,
        prompts=sums.shape[0],
        first=sums.sum(axis=0),
        second=sums.T @ sums,
    )


def _bars(values: Floats, rounded: NDArray[np.int32]) -> Ints:
    """Exact counts: only scores whose grid point is a bar's edge can be on its other side."""
    bars = len(HISTOGRAM_EDGES) - 1
    wide = GRID // bars
    index = np.minimum(rounded // wide, bars - 1)
    edge = np.flatnonzero((rounded % wide == 0) & (rounded > 0) & (rounded < GRID))
    below = edge[np.round(values[edge], 9) < rounded[edge] / GRID]
    index[below] -= 1
    return np.bincount(index, minlength=bars)


def _per_prompt(off: Floats, prompt: Ints) -> Floats:
    """Count, sum and sum of squares of each prompt; shape (prompts, 3)."""
    if not off.size:
        return np.zeros((0, 3))
    if np.any(prompt[1:] < prompt[:-1]):
        order = np.argsort(prompt, kind="stable")
        off, prompt = off[order], prompt[order]
    starts = np.flatnonzero(np.r_[True, prompt[1:] != prompt[:-1]])
    counts = np.diff(np.r_[starts, off.size]).astype(np.float64)
    return np.column_stack([counts, np.add.reduceat(off, starts), np.add.reduceat(off * off, starts)])


def describe_sketch(found: Sketch) -> Statistics:
    """The figures of the report. Percentiles are within 0.0001; `distinct` counts grid points."""
    counts = tuple(int(part.sum()) for part in np.split(found.bars, len(BIN_LABELS)))
    parts = _percentiles(found) if found.n else None
    return Statistics(
        n=found.n,
        missing=found.missing,
        out_of_range=found.out_of_range,
        mean=found.mean if found.n else None,
        std=math.sqrt(found.m2 / (found.n - 1)) if found.n > 1 else None,
        min=found.least if found.n else None,
        max=found.most if found.n else None,
        median=parts[2] if parts else None,
        percentiles=Percentiles(parts[0], parts[1], parts[3], parts[4]) if parts else None,
        counts=counts,
        floor_share=found.floor / found.n if found.n else None,
        ceiling_share=found.ceiling / found.n if found.n else None,
        distinct=int(np.count_nonzero(found.grid)),
        bimodality=bimodality_ratio(counts),
    )


def _percentiles(found: Sketch) -> list[float]:
    """p10, p25, p50, p75, p90 by linear interpolation between grid points."""
    reached = np.cumsum(found.grid)
    told = []
    for share in (0.10, 0.25, 0.50, 0.75, 0.90):
        rank = share * (found.n - 1)
        low, high = (
            int(np.searchsorted(reached, at, side="right")) for at in (math.floor(rank), math.ceil(rank))
        )
        told.append((low + (high - low) * (rank - math.floor(rank))) / GRID)
    return [min(max(value, found.least), found.most) for value in told]


def sketch_stability(
    found: Sketch, thresholds: Thresholds, draws: int = DRAWS, seed: int = 0
) -> Stability | None:
    """How the verdict holds under other prompts, by normal theory; None with fewer than two prompts.

    Notes
    -----
    Mean and variance are smooth functions of the sums over prompts of (count, sum, sum of squares); the
    delta method gives their covariance with prompts as the unit (Cochran, Sampling Techniques, 3rd ed.,
    section 6.3 for the ratio of two sums). From hundreds of prompts on it agrees with the bootstrap.
    """
    if found.prompts < 2 or found.n < 3:
        return None
    covariance = _covariance(found)
    mean, std = found.mean, math.sqrt(found.m2 / (found.n - 1))
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal([mean, std], covariance, draws, method="svd")
    verdicts = branches(drawn[:, 0], drawn[:, 1], thresholds)
    here = ORDER.index(decide(mean, std, thresholds))
    spread = np.sqrt(np.diag(covariance)) * Z
    return Stability(
        mean=Interval(mean - float(spread[0]), mean + float(spread[0])),
        std=Interval(max(std - float(spread[1]), 0.0), std + float(spread[1])),
        same_verdict=float(((verdicts == 3) == (here == 3)).mean()),
        same_branch=float((verdicts == here).mean()),
        more_prompts=None,
        draws=draws,
        prompts=found.prompts,
    )


def _covariance(found: Sketch) -> Floats:
    """Of mean and std over samples of prompts; shape (2, 2)."""
    count, total, square = found.first
    mean = total / count
    std = math.sqrt(max(square / count - mean * mean, 1e-18))
    by_mean = np.array([-mean, 1.0, 0.0]) / count
    by_variance = np.array([mean * mean - (square / count - mean * mean), -2 * mean, 1.0]) / count
    slopes = np.array([by_mean, by_variance / (2 * std)])
    centered = found.second - np.outer(found.first, found.first) / found.prompts
    scale = found.prompts / (found.prompts - 1)
    covariance: Floats = slopes @ centered @ slopes.T * scale
    return covariance
