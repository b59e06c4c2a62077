"""Prompts sorted by their mean, each with its responses' scores: how groups look, in a few hundred cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLUMNS, CELLS = 60, 16
"""Columns and cells a strip has at most, whatever the number of prompts and responses."""
DECIMALS = 6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StripColumn:
    """Neighbouring prompts, as one column.

    Attributes
    ----------
    prompts : int
    mean : float
        Of their means.
    cells : tuple of float
        Lowest to highest score of a prompt, averaged over the column's prompts.
    dead : float
        Share of the column's prompts whose scores are all equal: they teach nothing.
    """

    prompts: int
    mean: float
    cells: tuple[float, ...]
    dead: float


def group_strip(score: Floats, prompt: NDArray[np.int64]) -> tuple[StripColumn, ...]:
    """Columns of prompts from the lowest mean to the highest; empty where no prompt has two scores.

    Parameters
    ----------
    score : float64 array of shape (n,)
        NaN is left out; so are prompts with one score.
    prompt : int64 array of shape (n,)
    """
    valid = np.isfinite(score)
    _, index, sizes = np.unique(prompt[valid], return_inverse=True, return_counts=True)
    order = np.lexsort((score[valid], index))
    starts = np.r_[0, np.cumsum(sizes)]
    values = np.round(score[valid][order], DECIMALS)
    several = np.flatnonzero(sizes >= 2)
    if not several.size:
        return ()
    cells = min(int(sizes[several].max()), CELLS)
    at = np.linspace(0, 1, cells)
    # As many sorted scores of each prompt as there are cells, evenly spaced; repeated where there are fewer.
    places = np.round(at * (sizes[several, None] - 1)).astype(np.int64)
    table = values[starts[several, None] + places]
    means = np.bincount(index, score[valid])[several] / sizes[several]
    dead = np.ptp(table[:, [0, -1]], axis=1) == 0.0
    sorted_by_mean = np.lexsort((dead, means))
    return tuple(
        StripColumn(
            prompts=int(chosen.size),
            mean=round(float(means[chosen].mean()), 4),
            cells=tuple(round(float(cell), 4) for cell in table[chosen].mean(axis=0)),
            dead=round(float(dead[chosen].mean()), 4),
        )
        for chosen in np.array_split(sorted_by_mean, min(several.size, COLUMNS))
    )
