"""What group-relative training sees: do the rollouts of one prompt differ, and by how much?

Methods such as GRPO learn from differences between the responses to one prompt; a prompt whose k
rewards are all equal teaches nothing. Needs k of 2 or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

GROUP = 8
"""Responses per prompt in training, where nothing else is said: the default of TRL and Fireworks."""
DECIMALS = 6
"""Scores that agree to so many are one value."""
MOST_VALUES = 64
LEARNABLE = (0.1, 0.9)
"""A prompt whose mean score lies strictly between can be learned from (Open-R1's filter)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Groups:
    """Spread within and between prompts.

    Attributes
    ----------
    prompts : int
        With two valid scores or more, truncated and refused responses left out.
    rollouts : float
        Their average number of scores.
    within, between : float
        Standard deviations of the two variance components, on 0..1.
    icc : float
        Share of the variance that lies between prompts; ICC(1), in [-1, 1].
    usable : float
        Estimated share of prompts whose rewards would not all be equal in groups of `group`.
    extrapolated : bool
        Whether `group` is larger than the rollouts there are.
    learnable : float
        Share of prompts with a mean strictly between 0.1 and 0.9.
    all_right, all_wrong : float
        Shares of prompts whose scores are all at the maximum, all at the minimum.
    group : int
    """

    prompts: int
    rollouts: float
    within: float
    between: float
    icc: float
    usable: float
    extrapolated: bool
    learnable: float
    all_right: float
    all_wrong: float
    group: int

    @property
    def cost_factor(self) -> float | None:
        """How many groups have to be drawn for one that teaches; None if none would."""
        return 1 / self.usable if self.usable > 0 else None


def groups(score: Floats, prompt: NDArray[np.int64], group: int = GROUP) -> Groups | None:
    """Measure them; None where no two prompts have two scores.

    Parameters
    ----------
    score : float64 array of shape (n,)
        On 0..1; NaN (and what shall not count: truncated, refused) is left out.
    prompt : int64 array of shape (n,)
    group : int
        Responses per prompt in training.
    """
    valid = np.isfinite(score)
    values = np.round(score[valid], DECIMALS)
    _, index, sizes = np.unique(prompt[valid], return_inverse=True, return_counts=True)
    several = sizes[index] >= 2
    values = values[several]
    _, index, sizes = np.unique(index[several], return_inverse=True, return_counts=True)
    if sizes.size < 2:
        return None
    counts = sizes.astype(np.float64)
    means = np.bincount(index, values) / counts
    low = np.bincount(index, values <= 0.0) / counts
    high = np.bincount(index, values >= 1.0) / counts
    within, between, icc = components(values, index, counts)
    return Groups(
        prompts=int(sizes.size),
        rollouts=float(counts.mean()),
        within=within,
        between=between,
        icc=icc,
        usable=usable_share(values, index, counts, group),
        extrapolated=bool(group > counts.min()),
        learnable=float(((means > LEARNABLE[0]) & (means < LEARNABLE[1])).mean()),
        all_right=float((high == 1.0).mean()),
        all_wrong=float((low == 1.0).mean()),
        group=group,
    )


def components(values: Floats, index: NDArray[np.intp], counts: Floats) -> tuple[float, float, float]:
    """Within and between standard deviation and ICC(1) of a one-way layout with unequal groups."""
    total, prompts = counts.sum(), counts.size
    center = values.mean()
    means = np.bincount(index, values) / counts
    inside = float(np.sum((values - means[index]) ** 2) / max(total - prompts, 1))
    across = float(np.sum(counts * (means - center) ** 2) / max(prompts - 1, 1))
    size = float((total - np.sum(counts**2) / total) / max(prompts - 1, 1))
    between = max(across - inside, 0.0) / size
    whole = across + (size - 1) * inside
    icc = (across - inside) / whole if whole > 0 else 0.0
    return float(np.sqrt(inside)), float(np.sqrt(between)), float(icc)


def usable_share(values: Floats, index: NDArray[np.intp], counts: Floats, group: int) -> float:
    """1 - P(all `group` rewards of a prompt are equal), by one beta-binomial per repeated value.

    Where a prompt has at least `group` scores the exact share of its subsets is taken instead.
    """
    levels, level, often = np.unique(values, return_inverse=True, return_counts=True)
    tie = 0.0
    for which in np.argsort(-often)[:MOST_VALUES]:
        if often[which] < 2 or levels.size == 0:
            continue
        hits = np.bincount(index, level == which, counts.size)
        tie += _all_equal(hits, counts, group)
    return float(min(max(1.0 - tie, 0.0), 1.0))


def _all_equal(hits: NDArray[Any], counts: Floats, group: int) -> float:
    """Mean over prompts of p**group, where p is the prompt's share of one value."""
    if counts.min() >= group:
        steps = np.arange(group)
        return float(np.prod((hits[:, None] - steps).clip(0) / (counts[:, None] - steps), axis=1).mean())
    share = float(hits.sum() / counts.sum())
    if share in (0.0, 1.0):
        return share
    spread = overdispersion(hits, counts)
    if spread <= 1e-9:
        return float(share**group)
    if spread >= 1 - 1e-9:
        return share
    strength = (1 - spread) / spread
    steps = np.arange(group)
    return float(np.prod((share * strength + steps) / (strength + steps)))


def overdispersion(hits: NDArray[Any], counts: Floats) -> float:
    """How much more prompts differ than one common share would make them: 0 none, 1 all or nothing."""
    total, prompts = counts.sum(), counts.size
    share = hits / counts
    center = hits.sum() / total
    inside = float(np.sum(hits * (1 - share)) / max(total - prompts, 1))
    across = float(np.sum(counts * (share - center) ** 2) / max(prompts - 1, 1))
    size = float((total - np.sum(counts**2) / total) / max(prompts - 1, 1))
    whole = across + (size - 1) * inside
    return float(min(max((across - inside) / whole, 0.0), 1.0)) if whole > 0 else 0.0
