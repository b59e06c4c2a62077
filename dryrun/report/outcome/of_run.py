"""A training's log added to a run: the forecast, the outcome, and where the two do not fit."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.groups import groups
from dryrun.analysis.figures.redraw import Z95, Interval
from dryrun.analysis.forecast.chance import Prediction
from dryrun.analysis.forecast.course import Course, Curve, course_of
from dryrun.core.errors import DryRunError
from dryrun.core.thresholds import Thresholds
from dryrun.core.version import __version__
from dryrun.report.build import report_of
from dryrun.report.forecast.words import own_scores
from dryrun.report.outcome.read_log import TrainingLog
from dryrun.store.results import Results
from dryrun.store.trainings import KeptTraining, keep_training

KEPT_POINTS = 400
"""Points of the curve that are kept; the course is measured before it is thinned."""
START_OFF, MIXED_OFF = 0.05, 0.10
"""Differences below these are no warning, however sure they are."""


def add_training(results: Results, log: TrainingLog, group: int | None = None) -> KeptTraining:
    """Keep with a run how a training went.

    Parameters
    ----------
    results : Results
    log : TrainingLog
    group : int, optional
        Responses to a prompt in the training; default `Thresholds.group_size`.

    Raises
    ------
    DryRunError
        The run is still at work, or has no score; too many trainings are kept already.
    """
    if results.run.status().live:
        raise DryRunError(f"Run {results.run.id} is still at work: what it foretells is not known yet.")
    low, high = scale = results.config.reward_range
    steps, scores = _thinned(log.curve, scale)
    kept = KeptTraining(
        log=log.name,
        digest=log.digest,
        trainer=log.trainer,
        column=log.column,
        added=time.time(),
        prediction=prediction_of(results, group or Thresholds().group_size),
        course=course_of(log.curve, scale),
        steps=steps,
        scores=scores,
        validation=tuple((step, (reward - low) / (high - low)) for step, reward in log.validation),
    )
    keep_training(results.run, kept)
    return kept


def prediction_of(results: Results, group: int) -> Prediction:
    """What the run says of a training with groups of this size, under the default thresholds.

    Raises
    ------
    DryRunError
        The run has no score.
    """
    report = report_of(results)
    if report.statistics.mean is None:
        raise DryRunError(f"Run {results.run.id} has no score: it foretells nothing.")
    evidence, room = report.evidence, report.training.headroom if report.training else None
    observed = results.observations()
    mixed = groups(own_scores(observed), observed.prompt, group)
    return Prediction(
        verdict=report.verdict,
        headline=report.headline,
        signal=evidence.signal_index.value if evidence and evidence.signal_index else None,
        mean=report.statistics.mean,
        mean_interval=evidence.stability.mean if evidence and evidence.stability else None,
        group=group,
        mixed=mixed.usable if mixed else None,
        mixed_interval=mixed.usable_interval if mixed else None,
        headroom=room.gain if room else None,
        headroom_interval=room.gain_interval if room else None,
        version=__version__,
    )


def _thinned(curve: Curve, scale: tuple[float, float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Steps and scores; neighbours as their mean where there are more than `KEPT_POINTS`."""
    low, high = scale
    score = (curve.reward - low) / (high - low)
    block = math.ceil(score.size / KEPT_POINTS)
    starts = np.arange(0, score.size, block)
    sizes = np.diff(np.append(starts, score.size))
    steps, scores = (np.add.reduceat(column, starts) / sizes for column in (curve.step, score))
    return tuple(steps.tolist()), tuple(scores.tolist())


@dataclass(frozen=True, slots=True)
class Gap:
    """A forecast figure that the first steps missed or exceeded.

    Attributes
    ----------
    foretold, seen : float
    interval : Interval
        95 % of seen less foretold.
    least : float
        A smaller difference is no warning.
    """

    foretold: float
    seen: float
    interval: Interval
    least: float

    @property
    def value(self) -> float:
        """The observed figure less the forecast one."""
        return self.seen - self.foretold

    @property
    def off(self) -> bool:
        """Whether the two do not fit: `least` or more apart, and surely apart."""
        sure = self.interval.low > 0 or self.interval.high < 0
        return sure and abs(self.value) >= self.least


def start_gap(prediction: Prediction, course: Course) -> Gap | None:
    """The run's mean against the training's first steps; None where one of them is not known."""
    error = course.start_error
    if prediction.mean is None or prediction.mean_interval is None or error is None:
        return None
    return _gap(prediction.mean, prediction.mean_interval, course.start, error, START_OFF)


def mixed_gap(prediction: Prediction, course: Course) -> Gap | None:
    """The share of groups whose rewards differ against that in the first steps; None where not logged."""
    if prediction.mixed is None or prediction.mixed_interval is None or course.dead is None:
        return None
    seen, error = 1 - course.dead, course.dead_error
    return (
        None if error is None else _gap(prediction.mixed, prediction.mixed_interval, seen, error, MIXED_OFF)
    )


def _gap(foretold: float, around: Interval, seen: float, error: float, least: float) -> Gap:
    half = Z95 * error
    below = math.hypot(around.high - foretold, half)
    above = math.hypot(foretold - around.low, half)
    off = seen - foretold
    return Gap(foretold, seen, Interval(off - below, off + above), least)
