"""From the inspector's filters to the rollouts to show. Numbers in, positions out; no screen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_index, is_valid
from dryrun.analysis.observations import Observations
from dryrun.analysis.selection import GroupName, in_bins, review_groups, without_score


class Show(StrEnum):
    """What the inspector shows: the design document's four groups, everything, or what has no score."""

    HIGHEST = GroupName.HIGHEST.value
    LOWEST = GroupName.LOWEST.value
    AROUND_MEAN = GroupName.AROUND_MEAN.value
    EDGE_CASES = GroupName.EDGE_CASES.value
    ALL = "all"
    WITHOUT_SCORE = "without_score"


TITLES = {
    Show.HIGHEST: "5 highest",
    Show.LOWEST: "5 lowest",
    Show.AROUND_MEAN: "5 around mean",
    Show.EDGE_CASES: "Edge cases (0.5)",
    Show.ALL: "All, by score",
    Show.WITHOUT_SCORE: "Without a score",
}

WHY = {
    Show.HIGHEST: "Are they actually good? (detect reward hacking)",
    Show.LOWEST: "Are they actually bad? (detect over-strict grader)",
    Show.AROUND_MEAN: "Typical performance",
    Show.EDGE_CASES: "Grader boundary behavior",
    Show.ALL: "Every response that the filters leave, the lowest score first",
    Show.WITHOUT_SCORE: "Calls that failed, responses that could not be graded, rewards off the scale",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rollouts may be shown.

    Attributes
    ----------
    topic : str or None
        None: all topics. ``""``: rows without one.
    bins : tuple of int
        Bars of the histogram; empty: all.
    """

    topic: str | None = None
    bins: tuple[int, ...] = ()


def choose(observations: Observations, show: Show, filters: Filters) -> list[int]:
    """Positions of the rollouts to show, the most telling first.

    Parameters
    ----------
    observations : Observations
    show : Show
        A group is formed of what the filters leave: the five highest *of that topic*.
    filters : Filters
        Bars do not apply to `Show.WITHOUT_SCORE`.
    """
    kept = np.flatnonzero(_mask(observations, filters, show))
    part = subset(observations, kept)
    if show is Show.WITHOUT_SCORE:
        rows = without_score(part)
    elif show is Show.ALL:
        rows = in_bins(part, tuple(range(len(HISTOGRAM_EDGES) - 1)))
    else:
        rows = np.array(_group(part, show), dtype=np.int64)
    return [int(row) for row in kept[rows]]


def subset(observations: Observations, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Observations:
    """The observations at these positions."""
    return Observations(
        score=observations.score[rows],
        prompt=observations.prompt[rows],
        topic=observations.topic[rows],
        outcome=observations.outcome[rows],
        length=observations.length[rows],
        grader_error=observations.grader_error[rows],
        unstable=observations.unstable,
        truths=observations.truths,
    )


def _group(observations: Observations, show: Show) -> tuple[int, ...]:
    return next(group.rows for group in review_groups(observations) if group.name.value == show.value)


def _mask(
    observations: Observations, filters: Filters, show: Show
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    mask = np.ones(observations.score.size, dtype=np.bool_)
    if filters.topic is not None:
        mask &= np.asarray(observations.topic == filters.topic, dtype=np.bool_)
    if filters.bins and show is not Show.WITHOUT_SCORE:
        valid = is_valid(observations.score)
        bars = np.full(observations.score.size, -1, dtype=np.int64)
        bars[valid] = bin_index(np.clip(observations.score[valid], 0.0, 1.0), HISTOGRAM_EDGES)
        mask &= np.isin(bars, filters.bins)
    return mask
