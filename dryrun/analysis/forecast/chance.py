"""What a dry run foretells of a training, as a probability, and how good such probabilities were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.redraw import Interval
from dryrun.core.config import Verdict

BY_SIGNAL = (
    (0.05, 11, 353),
    (0.10, 7, 53),
    (0.20, 37, 106),
    (0.30, 74, 133),
    (0.45, 124, 163),
    (1.0, 958, 1028),
)
"""Signal Index below this; of so many simulated trainings; how many runs gained more than 0.05.

``python -m tests.simulators --repeats 3``, both halves together. A bandit is no language model: the ledger of
outcomes is there to put this table to the test.
"""
BY_VERDICT = {"GO": (913, 1042), "NO-GO": (298, 794)}
"""The same by the verdict, where no Signal Index was measured."""
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
    """The probability that training learns.

    Parameters
    ----------
    verdict : str
        Used alone where there is no index; INVALID has no probability.
    signal : float or None
        The Signal Index, on 0..1.
    """
    if verdict == "INVALID":
        return None
    if signal is None:
        learned, runs = BY_VERDICT[verdict]
    else:
        learned, runs = next((hits, of) for end, hits, of in BY_SIGNAL if signal < end or end == 1.0)
    return learned / runs


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
    """How far probabilities were from what came: the mean of (chance - outcome) squared; 0 is best.

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
    """Judge forecasts by what came; None without one.

    References
    ----------
    Brier (1950), Verification of forecasts expressed in terms of probability.
    """
    if not forecasts:
        return None
    chance, go, learned = (
        np.array([float(getattr(one, name)) for one in forecasts]) for name in ("chance", "go", "learned")
    )
    _, run = np.unique([one.run for one in forecasts], return_inverse=True)
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
    """Of the mean, by drawing runs again with all of their trainings."""
    runs = int(run.max()) + 1
    if runs < 2:
        return None
    sums, counts = np.bincount(run, off), np.bincount(run)
    drawn = np.random.default_rng(0).integers(0, runs, (DRAWS, runs))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(low), float(high))
