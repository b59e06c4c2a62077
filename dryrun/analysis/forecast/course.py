"""How a training went by the rewards of its log: its start, its end, and whether that is more than noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.redraw import Z95, Interval
from dryrun.core.arrays import Floats

GAINS = 0.05
"""A training learns from a gain above this on, on 0..1; the simulators of `tests/simulators` use the same."""
ERRORS = 2.0
"""The gain is also above this number of its standard errors."""
TENTH = 10
LEAST_WINDOW = 3
LEAST_ROWS = 6
"""Two windows of the least size: fewer rows say nothing about learning."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What a training's log says, a row for each time it logged.

    Attributes
    ----------
    step : float64 array of shape (n,)
        Increasing.
    reward : float64 array of shape (n,)
        The mean reward of the row's batch, on the grader's own scale; finite.
    dead : float64 array of shape (n,)
        Share of the batch's groups whose rewards are all equal; NaN where it was not logged.
    """

    step: Floats
    reward: Floats
    dead: Floats


@dataclass(frozen=True, slots=True)
class Course:
    """How it went, on the scale of scores (0..1).

    Attributes
    ----------
    rows : int
    first_step, last_step : float
    window : int
        Rows at the start, and at the end, whose means `start` and `end` are.
    start, end : float
        `end` is None of a single row's log, where it is the start too.
    noise : float or None
        Standard deviation of a row around the trend; None of fewer than three rows.
    learned : bool or None
        Gain above `GAINS` and above `ERRORS` of its standard errors; None of fewer than `LEAST_ROWS` rows.
    lowest, highest : float
        Of all rows.
    dead : float or None
        Share of groups whose rewards are all equal, in the first window.
    dead_error : float or None
        Its standard error.
    """

    rows: int
    first_step: float
    last_step: float
    window: int
    start: float
    end: float
    noise: float | None
    learned: bool | None
    lowest: float
    highest: float
    dead: float | None = None
    dead_error: float | None = None

    @property
    def gain(self) -> float:
        """End less start."""
        return self.end - self.start

    @property
    def start_error(self) -> float | None:
        """Standard error of `start`."""
        return None if self.noise is None else self.noise / math.sqrt(self.window)

    @property
    def gain_interval(self) -> Interval | None:
        """95 %."""
        if self.noise is None:
            return None
        half = Z95 * gain_error(self.noise, self.window)
        return Interval(self.gain - half, self.gain + half)


def course_of(curve: Curve, reward_range: tuple[float, float]) -> Course:
    """Measure it.

    Parameters
    ----------
    curve : Curve
        At least one row.
    reward_range : (float, float)
        The rewards that are mapped to 0 and 1.

    Notes
    -----
    Start and end are the means of the first and the last tenth of the rows, three at least and half of them
    at most. A policy that learns within its first tenth starts higher than it was, so that the gain is low
    rather than high.
    """
    low, high = reward_range
    score = (curve.reward - low) / (high - low)
    rows = score.size
    window = max(1, min(max(math.ceil(rows / TENTH), LEAST_WINDOW), rows // 2))
    start, end = float(score[:window].mean()), float(score[-window:].mean())
    noise = row_noise(score)
    dead, dead_error = _dead(curve.dead[:window])
    return Course(
        rows=rows,
        first_step=float(curve.step[0]),
        last_step=float(curve.step[-1]),
        window=window,
        start=start,
        end=end,
        noise=noise,
        learned=_learned(end - start, noise, window) if rows >= LEAST_ROWS else None,
        lowest=float(score.min()),
        highest=float(score.max()),
        dead=dead,
        dead_error=dead_error,
    )


def row_noise(score: Floats) -> float | None:
    """Standard deviation of a row around the trend, from the differences of neighbours.

    None of fewer than three rows.

    References
    ----------
    von Neumann, Kent, Bellinson and Hart (1941), The mean square successive difference.
    """
    if score.size < LEAST_WINDOW:
        return None
    return float(np.sqrt(np.mean(np.diff(score) ** 2) / 2))


def gain_error(noise: float, window: int) -> float:
    """Standard error of the difference of two means of `window` rows."""
    return noise * math.sqrt(2 / window)


def _learned(gain: float, noise: float | None, window: int) -> bool:
    return gain > GAINS and noise is not None and gain > ERRORS * gain_error(noise, window)


def _dead(share: Floats) -> tuple[float | None, float | None]:
    known = share[np.isfinite(share)]
    if not known.size:
        return None, None
    error = float(known.std(ddof=1) / math.sqrt(known.size)) if known.size > 1 else None
    return float(known.mean()), error
