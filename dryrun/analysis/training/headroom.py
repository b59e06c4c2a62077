"""How far training can go: pass@K beyond the responses there are, by a zero-inflated beta-binomial.

A share `out` of the prompts is out of reach: solved never, or so rarely (`rate` of `RATES`) that few
responses cannot tell. Of the others each has its own chance of a right response, drawn from a beta
distribution with mean `mean` and ``a + b = strength``. These numbers get a posterior on a grid that is
narrowed around its mass; every figure is a mean over it, every interval its 95 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from dryrun.analysis.figures.redraw import Interval
from dryrun.core.arrays import Floats, Ints
from dryrun.core.text import writable
from dryrun.core.thresholds import Thresholds

MOST = 256
STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""K at which the curve is given."""
POINTS, ROUNDS, KEPT = 14, 5, 9.0
"""Grid points of each number, how often the grid is narrowed, and the loss in log posterior that stays."""
RATES = np.concatenate([[0.0], np.geomspace(0.0005, 0.1, 8)])
RATE_PRIOR = np.concatenate([[0.3], np.full(8, 0.7 / 8)])
"""Chances of a right response at prompts out of reach: nothing tells 0 from 0.005 in eight responses."""
LEAST_PROMPTS = 20
"""Fewer prompts say nothing about K beyond the responses."""

TINY = 1e-300


class Prospect(StrEnum):
    """What to expect of training on these prompts."""

    SHARPEN = "sharpen"
    """Right answers are within reach and groups differ: training makes them frequent."""
    TEACH_FIRST = "teach first"
    """Too many prompts are never solved: show answers (SFT) or take easier prompts first."""
    LITTLE = "little to gain"
    """One response is right nearly as often as the best of many."""


@dataclass(frozen=True, slots=True)
class PassPoint:
    """Chance that at least one of `k` responses is right, averaged over prompts."""

    k: int
    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Headroom:
    """How far training can go.

    Attributes
    ----------
    topic : str
        ``""``: all prompts.
    prompts : int
    curve : tuple of PassPoint
        pass@K for K from 1 to 256.
    never : float
        Share of prompts that 256 responses do not solve.
    never_interval : Interval
    gain : float
        pass@256 less pass@1.
    gain_interval : Interval
    """

    topic: str
    prompts: int
    curve: tuple[PassPoint, ...]
    never: float
    never_interval: Interval
    gain: float
    gain_interval: Interval


def headroom(solved: Ints, tried: Ints, topic: str = "") -> Headroom | None:
    """From the number of right responses of each prompt; None with fewer than `LEAST_PROMPTS` prompts.

    Parameters
    ----------
    solved, tried : int64 arrays of shape (prompts,)
        Right responses, and all of them; 0 <= solved <= tried.
    topic : str
    """
    asked = tried > 0
    if int(asked.sum()) < LEAST_PROMPTS:
        return None
    pairs, often = np.unique(np.column_stack([solved[asked], tried[asked]]), axis=0, return_counts=True)
    return Headroom(
        topic, int(asked.sum()), *_figures_of(tuple(map(tuple, pairs.tolist())), tuple(often.tolist()))
    )


@lru_cache(256)
def _figures_of(
    pairs: tuple[tuple[int, int], ...], often: tuple[int, ...]
) -> tuple[tuple[PassPoint, ...], float, Interval, float, Interval]:
    """Curve, never and gain of these counts, which a page asks for again whenever a threshold moves."""
    points, weight = _posterior(np.array(pairs), np.array(often, np.float64))
    passed = _passed(points)
    curve = tuple(PassPoint(k, *_summed(passed[:, at], weight)) for at, k in enumerate(STEPS))
    never, gain = 1 - passed[:, -1], passed[:, -1] - passed[:, 0]
    return curve, *_summed(never, weight), *_summed(gain, weight)


def prospect(room: Headroom, mixed: float, limits: Thresholds) -> Prospect | None:
    """The prospect of training; None where the interval leaves it open.

    Parameters
    ----------
    room : Headroom
    mixed : float
        Share of groups whose outcome differs.
    limits : Thresholds
    """
    if room.never >= limits.teach_first:
        return Prospect.TEACH_FIRST
    if room.gain_interval.high < limits.least_headroom:
        return Prospect.LITTLE
    sharp = room.gain_interval.low >= limits.least_headroom and mixed >= limits.sharpen_mixed
    return Prospect.SHARPEN if sharp else None


def _passed(points: Floats) -> Floats:
    """pass@K of each point of the grid at each of `STEPS`."""
    out, a, b = _shapes(points)
    a, b = a[: POINTS**2, None], b[: POINTS**2, None]  # they come again with each share out of reach
    missed = np.cumsum(np.log((b + np.arange(MOST)) / ((a + b) + np.arange(MOST))), axis=1)
    within = np.tile(-np.expm1(missed[:, np.array(STEPS) - 1]), (POINTS, 1))
    rarely = 1 - (1 - RATES[:, None]) ** np.array(STEPS)
    passed = out[:, None, None] * rarely + (1 - out)[:, None, None] * within[:, None, :]
    flat: Floats = passed.reshape(-1, len(STEPS))
    return flat


def _shapes(points: Floats) -> tuple[Floats, Floats, Floats]:
    """Share out of reach, and the beta distribution's a and b."""
    out, logit, log_strength = points.T
    mean, strength = 1 / (1 + np.exp(-logit)), np.exp(log_strength)
    return out, mean * strength, (1 - mean) * strength


def _posterior(pairs: Ints, often: Floats) -> tuple[Floats, Floats]:
    """Grid points of shape (points, 3), and the weights of each with each rate, which add up to 1.

    Flat in the share out of reach, in the mean, and in the logarithm of the strength.
    """
    low, high = np.array([0.0, -7.0, np.log(0.05)]), np.array([0.995, 7.0, np.log(300.0)])
    floor, ceiling = low.copy(), high.copy()
    for _ in range(ROUNDS):
        axes = [np.linspace(start, end, POINTS) for start, end in zip(low, high, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        log = _log_likelihood(points, pairs, often) + np.log(RATE_PRIOR)
        logit = points[:, 1]
        log -= (np.logaddexp(0, -logit) + np.logaddexp(0, logit))[:, None]  # flat in the mean itself
        kept = points[log.max(axis=1) > log.max() - KEPT]
        step = (high - low) / (POINTS - 1)
        low, high = np.maximum(kept.min(axis=0) - step, floor), np.minimum(kept.max(axis=0) + step, ceiling)
    weight = np.exp(log - log.max()).ravel()
    return points, weight / weight.sum()


def _log_likelihood(points: Floats, pairs: Ints, often: Floats) -> Floats:
    """Up to a constant; shape ``(points, rates)``. Each pair of counts occurs `often`."""
    out, a, b = _shapes(points)
    steps = np.arange(int(pairs[:, 1].max()))
    rising = [_rising(shape, steps) for shape in (a, b, a + b)]
    log = np.zeros((out.size, RATES.size))
    for (solved, tried), count in zip(pairs, often, strict=True):
        within = np.exp(rising[0][:, solved] + rising[1][:, tried - solved] - rising[2][:, tried])
        rarely = RATES**solved * (1 - RATES) ** (tried - solved)
        log += count * np.log(out[:, None] * rarely + ((1 - out) * within)[:, None] + TINY)
    return log


def _rising(shape: Floats, steps: Ints) -> Floats:
    """Logarithm of ``shape * (shape + 1) * ...`` with 0, 1, 2, ... factors."""
    grown = np.cumsum(np.log(shape[:, None] + steps), axis=1)
    return np.concatenate([np.zeros((shape.size, 1)), grown], axis=1)


def _summed(value: Floats, weight: Floats) -> tuple[float, Interval]:
    """Mean and 95 % of a figure under the posterior."""
    order = np.argsort(value)
    below = np.cumsum(weight[order]) - weight[order] / 2
    low, high = np.interp([0.025, 0.975], below, value[order])
    return float(value @ weight), Interval(float(low), float(high))


def topic_headroom(solved: Ints, tried: Ints, topics: Sequence[str], most: int = 12) -> tuple[Headroom, ...]:
    """Headroom of the `most` largest topics with enough prompts, the largest first."""
    names = np.array(topics, dtype=object).astype(str)
    known, often = np.unique(names, return_counts=True)
    chosen = known[np.argsort(-often, kind="stable")][:most] if known.size > 1 else known[:0]
    each = (headroom(solved[names == topic], tried[names == topic], writable(str(topic))) for topic in chosen)
    return tuple(sorted((room for room in each if room), key=lambda room: -room.gain))
