"""How many responses to a prompt training should draw: what larger groups add."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.groups import groups
from dryrun.analysis.figures.redraw import Interval

SIZES = (2, 4, 8, 16, 32, 64)
LEAST = 4
"""The smallest size that is proposed: an advantage among two responses is noise."""
WORTH = 0.05
"""Doubling the group is worth it where this share of the groups begins to teach."""


@dataclass(frozen=True, slots=True)
class GroupSize:
    """What groups of one size would be.

    Attributes
    ----------
    size : int
    usable : float
        Share of the groups whose rewards differ.
    interval : Interval
    responses : float or None
        Responses drawn for one group that teaches; None where none does.
    extrapolated : bool
        Whether the size is larger than the responses there are.
    """

    size: int
    usable: float
    interval: Interval
    responses: float | None
    extrapolated: bool


def possible_group_sizes(score: NDArray[np.float64], prompt: NDArray[np.int64]) -> tuple[GroupSize, ...]:
    """Groups of each of `SIZES`; empty where no two prompts have two scores.

    Parameters
    ----------
    score : float64 array of shape (n,)
        On 0..1; NaN is left out.
    prompt : int64 array of shape (n,)
    """
    sizes = []
    for size in SIZES:
        measured = groups(score, prompt, size)
        if measured is None:
            return ()
        responses = size / measured.usable if measured.usable > 0 else None
        sizes.append(
            GroupSize(size, measured.usable, measured.usable_interval, responses, measured.extrapolated)
        )
    return tuple(sizes)


def proposed(sizes: tuple[GroupSize, ...]) -> GroupSize | None:
    """The smallest size from `LEAST` on that doubling would improve by less than `WORTH`."""
    enough = [size for size in sizes if size.size >= LEAST]
    for size, doubled in itertools.pairwise(enough):
        if doubled.usable - size.usable < WORTH:
            return size
    return enough[-1] if enough else None
