"""Two traits of a grader that scores alone show: does it pay for length, and how finely does it tell?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.statistics import DISTINCT_DIGITS
from dryrun.core.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class LengthBias:
    """How closely scores follow lengths.

    Attributes
    ----------
    correlation : float
        Spearman's, of ranks within each prompt (within each topic, with one response per prompt); -1..1.
    responses : int
        That it rests on.
    within : str
        ``"prompt"`` or ``"topic"``.
    """

    correlation: float
    responses: int
    within: str


def length_bias(
    score: Floats,
    length: Floats,
    prompt: Ints,
    topic: NDArray[np.object_],
    least_pairs: int = 30,
) -> LengthBias | None:
    """Whether longer responses to the same prompt earn more; None where too little can be compared.

    Parameters
    ----------
    score, length : float64 arrays of shape (n,)
        NaN where unknown, and for responses that do not count (cut off, refused, empty): with those in
        the pool the correlation can even have the other sign.
    prompt : int64 array of shape (n,)
    topic : object array of shape (n,)
        The unit of comparison where each prompt has one response.
    least_pairs : int
        Fewer responses that stand beside others of their unit: None.
    """
    valid = np.isfinite(score) & np.isfinite(length)
    for unit, labels in (("prompt", prompt), ("topic", topic)):
        if not valid.any():
            return None
        _, index, sizes = np.unique(labels[valid], return_inverse=True, return_counts=True)
        several = sizes[index] >= 2
        if several.sum() < least_pairs:
            continue
        correlation = _within(score[valid][several], length[valid][several], index[several])
        return None if correlation is None else LengthBias(correlation, int(several.sum()), unit)
    return None


def _within(score: Floats, length: Floats, index: NDArray[np.intp]) -> float | None:
    scores, lengths = _centered_ranks(score, index), _centered_ranks(length, index)
    scale = float(np.sqrt((scores**2).sum() * (lengths**2).sum()))
    return float((scores * lengths).sum() / scale) if scale > 0 else None


def _centered_ranks(values: Floats, index: NDArray[np.intp]) -> Floats:
    """Rank of each value among those of its unit, ties averaged, less the unit's mean rank."""
    order = np.lexsort((values, index))
    ranked, unit = values[order], index[order]
    position = np.arange(values.size, dtype=np.float64)
    fresh = np.r_[True, (ranked[1:] != ranked[:-1]) | (unit[1:] != unit[:-1])]
    tie = np.cumsum(fresh) - 1
    averaged = (np.bincount(tie, position) / np.bincount(tie))[tie]
    ranks = np.empty(values.size)
    ranks[order] = averaged
    means = np.bincount(index, ranks) / np.maximum(np.bincount(index), 1)
    centered: Floats = ranks - means[index]
    return centered


@dataclass(frozen=True, slots=True)
class Resolution:
    """How finely the grader tells responses apart.

    Attributes
    ----------
    distinct : int
        Scores that occur, counted at six digits.
    modal_share, modal : float
        Share of the commonest score, and which it is.
    effective_levels : float
        ``exp(entropy)``: as many equally common scores would say as much.
    """

    distinct: int
    modal_share: float
    modal: float
    effective_levels: float


def resolution(score: Floats) -> Resolution | None:
    """Of the finite scores; None if there is none."""
    valid = np.round(score[np.isfinite(score)], DISTINCT_DIGITS)
    if not valid.size:
        return None
    levels, counts = np.unique(valid, return_counts=True)
    share = counts / valid.size
    commonest = int(np.argmax(counts))
    return Resolution(
        distinct=int(levels.size),
        modal_share=float(share[commonest]),
        modal=float(levels[commonest]),
        effective_levels=float(np.exp(-(share * np.log(share)).sum())),
    )
