"""The probability that training will work, by a dry run, and how good such probabilities were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.forecast.toy_policies import policies_within
from dryrun.core.config import Verdict

WIDE = ((0.0, 0.1), (0.1, 0.5), (0.5, math.inf))
"""Bands of the Signal Index that hold enough of the small policies for a chance."""
DRAWS = 2000
FEW = 30
"""Trainings below which a Brier score says little."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a dry run said before training.

    Attributes
    ----------
    verdict : str
    headline : str
    signal : float or None
        The Signal Index.
    mean : float or None
        Of the scores, on 0..1.
    mean_interval : Interval or None
    group : int
        Responses to a prompt that `mixed` is for.
    mixed : float or None
        Share of groups whose rewards differ.
    mixed_interval : Interval or None
    headroom : float or None
        pass@256 less pass@1.
    headroom_interval : Interval or None
    version : str
        Of the program that said so.
    """

    verdict: Verdict
    headline: str
    signal: float | None
    mean: float | None
    mean_interval: Interval | None
    group: int
    mixed: float | None
    mixed_interval: Interval | None
    headroom: float | None
    headroom_interval: Interval | None
    version: str

    @property
    def chance(self) -> float | None:
        """The probability that training learns; None of an INVALID run."""
        return chance_of(self.verdict, self.signal)


def chance_of(verdict: Verdict, signal: float | None) -> float | None:
    """The probability that training learns: the share of small policies that did (`docs/evidence.md`).

    Half of one is added to both sides: none of nine is no proof that none ever will.

    Parameters
    ----------
    verdict : str
        Used alone where there is no index; INVALID has no probability.
    signal : float or None
        The Signal Index, on 0..1.
    """
    if verdict == "INVALID":
        return None
    low, high = (0.0, math.inf) if signal is None else next(band for band in WIDE if signal < band[1])
    learned, count = policies_within(low, high, verdict if signal is None else "")
    return (learned + 0.5) / (count + 1)


@dataclass(frozen=True, slots=True)
class Forecasted:
    """One forecast whose outcome is known.

    Attributes
    ----------
    run : str
        Trainings after one run are no independent trials.
    chance : float
    go : bool
    learned : bool
    """

    run: str
    chance: float
    go: bool
    learned: bool


@dataclass(frozen=True, slots=True)
class Brier:
    """The distance of probabilities from outcomes: the mean of (chance - outcome) squared; 0 is best.

    Attributes
    ----------
    score : float
    interval : Interval or None
        95 %, runs drawn again; None of a single run.
    by_verdict : float
        GO read as 1 and NO-GO as 0.
    base_rate, by_base_rate : float
        Share of the trainings that learned, and the score of always saying just that, which nobody could
        know beforehand.
    trainings, runs : int
    after_go : int
        Trainings that followed a GO.
    """

    score: float
    interval: Interval | None
    by_verdict: float
    base_rate: float
    by_base_rate: float
    trainings: int
    runs: int
    after_go: int


def brier(forecasts: Sequence[Forecasted]) -> Brier | None:
    """Judge forecasts by their outcomes; None without a forecast.

    References
    ----------
    Brier (1950), Verification of forecasts expressed in terms of probability.
    """
    if not forecasts:
        return None
    chance, go, learned = (
        np.array([float(getattr(forecast, name)) for forecast in forecasts])
        for name in ("chance", "go", "learned")
    )
    _, run = np.unique([forecast.run for forecast in forecasts], return_inverse=True)
    off, rate = (chance - learned) ** 2, float(learned.mean())
    return Brier(
        score=float(off.mean()),
        interval=_redrawn(off, run),
        by_verdict=float(((go - learned) ** 2).mean()),
        base_rate=rate,
        by_base_rate=rate * (1 - rate),
        trainings=len(forecasts),
        runs=int(run.max()) + 1,
        after_go=int(go.sum()),
    )


def _redrawn(off: np.ndarray, run: np.ndarray) -> Interval | None:
    """The interval of the mean, by drawing runs again with all of their trainings."""
    runs = int(run.max()) + 1
    if runs < 2:
        return None
    sums, counts = np.bincount(run, off), np.bincount(run)
    drawn = np.random.default_rng(0).integers(0, runs, (DRAWS, runs))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(low), float(high))
