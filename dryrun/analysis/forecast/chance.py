"""The chance that training will work, how good such chances were, and how small policies fared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.redraw import Interval
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


BANDS = (0.0, 0.1, 0.3, 0.5)
"""Lower ends of the bands of the Signal Index."""
FEWEST = 5
"""With fewer policies in a band there is no figure."""
COUNTS: Mapping[tuple[str, float], tuple[int, int]] = {
    ("GO", 0.1): (0, 1),
    ("GO", 0.3): (6, 11),
    ("GO", 0.5): (30, 41),
    ("NO-GO", 0.0): (0, 9),
    ("NO-GO", 0.1): (2, 4),
    ("NO-GO", 0.3): (1, 2),
    ("NO-GO", 0.5): (2, 2),
}
"""Verdict and band: policies that learned, and all; `tests/study` holds it against the stored results."""


def policies_within(low: float, high: float, verdict: str = "") -> tuple[int, int]:
    """Policies that learned, and all, in the bands from one index up to another; of one verdict if named."""
    pairs = [
        pair for (judged, band), pair in COUNTS.items() if low <= band < high and verdict in ("", judged)
    ]
    return sum(learned for learned, _ in pairs), sum(count for _, count in pairs)


def index_words() -> str:
    """How often policies learned, by the Signal Index alone: a sentence."""
    below, between, above = (policies_within(*band) for band in ((0.0, 0.1), (0.1, 0.5), (0.5, 1.0)))
    return (
        f"Of small policies trained by real GRPO {below[0]} of {below[1]} learned below 0.10, "
        f"{between[0]} of {between[1]} from there to 0.50, {above[0]} of {above[1]} above."
    )


def band_of(signal: float) -> float:
    """The lower end of the band that a Signal Index from 0 to 1 is in."""
    return max(low for low in BANDS if low <= max(signal, 0.0))


def toy_words(verdict: str, signal: float | None) -> str:
    """One sentence on the policies with this verdict and such a Signal Index; `""` where there were too few.

    Parameters
    ----------
    verdict : str
        ``"GO"`` or ``"NO-GO"``.
    signal : float or None
        The Signal Index.
    """
    if signal is None:
        return ""
    learned, count = COUNTS.get((verdict, band_of(signal)), (0, 0))
    if count < FEWEST:
        return ""
    return f"Of {count} small toy policies with such figures, {learned} learned."
