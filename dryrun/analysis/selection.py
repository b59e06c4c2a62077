"""Which samples a person should read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.statistics import (
    DIGITS,
    HISTOGRAM_EDGES,
    bin_index,
    is_valid,
    mean,
    valid_scores,
)
from dryrun.analysis.observations import Observations

Rows = NDArray[np.int64]
"""Positions in the observations."""

GROUP_SIZE = 5
"""Samples in each group, by the design document."""

EDGE_SCORE = 0.5
"""Where the design document looks for the grader's boundary."""


class GroupName(StrEnum):
    """The four groups the design document asks a person to review."""

    HIGHEST = "highest"
    LOWEST = "lowest"
    AROUND_MEAN = "around_mean"
    EDGE_CASES = "edge_cases"


@dataclass(frozen=True, slots=True)
class Group:
    """Samples to read together, and why.

    Attributes
    ----------
    name : GroupName
    title : str
    why : str
        What to look for, in the document's words.
    rows : tuple of int
        Positions in the observations, the most telling first.
    """

    name: GroupName
    title: str
    why: str
    rows: tuple[int, ...]


def review_groups(observations: Observations, size: int = GROUP_SIZE) -> tuple[Group, ...]:
    """The four groups of the design document, in its order.

    Parameters
    ----------
    observations : Observations
    size : int
        Samples in each group; fewer if there are fewer scores.

    Returns
    -------
    tuple of Group
        Always four; their rows are empty if there is no score.
    """
    centre = mean(np.sort(valid_scores(observations.score))) or 0.0
    score = observations.score
    plan = (
        (
            GroupName.HIGHEST,
            f"{size} highest scores",
            "Are they actually good? (detect reward hacking)",
            -score,
        ),
        (
            GroupName.LOWEST,
            f"{size} lowest scores",
            "Are they actually bad? (detect over-strict grader)",
            score,
        ),
        (GroupName.AROUND_MEAN, f"{size} around mean", "Typical performance", np.abs(score - centre)),
        (
            GroupName.EDGE_CASES,
            f"Edge cases ({EDGE_SCORE})",
            "Grader boundary behavior",
            np.abs(score - EDGE_SCORE),
        ),
    )
    return tuple(
        Group(name, title, why, tuple(int(row) for row in _first(observations, key, size)))
        for name, title, why, key in plan
    )


def in_range(observations: Observations, low: float, high: float) -> Rows:
    """Rows whose score lies in ``[low, high]``, by score, then by prompt.

    Parameters
    ----------
    observations : Observations
    low, high : float
        Both included, after rounding to nine digits.

    Returns
    -------
    int64 array
    """
    rows = _scored(observations)
    rounded = np.round(observations.score[rows], DIGITS)
    inside = (rounded >= round(low, DIGITS)) & (rounded <= round(high, DIGITS))
    return _by_score(observations, rows[inside])


def in_bins(
    observations: Observations, bins: tuple[int, ...], edges: tuple[float, ...] = HISTOGRAM_EDGES
) -> Rows:
    """Rows whose score falls in one of the given bins, by score, then by prompt.

    Parameters
    ----------
    observations : Observations
    bins : tuple of int
        Bin numbers, from 0, as a click on the histogram gives them; unknown numbers select nothing.
    edges : tuple of float
        Default: the histogram's 20 bars.

    Returns
    -------
    int64 array
    """
    rows = _scored(observations)
    index = bin_index(valid_scores(observations.score), edges)
    return _by_score(observations, rows[np.isin(index, bins)])


def without_score(observations: Observations) -> Rows:
    """Rows with no usable score: not graded, or off the grader's declared scale."""
    return np.flatnonzero(~is_valid(observations.score)).astype(np.int64)


def _scored(observations: Observations) -> Rows:
    return np.flatnonzero(is_valid(observations.score)).astype(np.int64)


def _by_score(observations: Observations, rows: Rows) -> Rows:
    order = np.lexsort((rows, observations.prompt[rows], observations.score[rows]))
    return rows[order]


def _first(observations: Observations, key: NDArray[np.float64], size: int) -> Rows:
    """The rows with the smallest keys. Among equal keys, prompts that have fewest rows so far come first:
    five rollouts of one prompt teach less than five prompts."""
    rows = _scored(observations)
    keys, prompts = np.round(key[rows], DIGITS), observations.prompt[rows]
    turn = _turns(keys, prompts)
    order = np.lexsort((rows, prompts, turn, keys))
    return rows[order[:size]]


def _turns(keys: NDArray[np.float64], prompts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows of the same prompt come before each row when rows are sorted by key."""
    order = np.lexsort((keys, prompts))
    _, start, sizes = np.unique(prompts[order], return_index=True, return_counts=True)
    turn = np.empty(keys.size, dtype=np.int64)
    turn[order] = np.arange(keys.size) - np.repeat(start, sizes)
    return turn
