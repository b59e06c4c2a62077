"""What group-relative training sees: do the rollouts of one prompt differ, and by how much?

Methods such as GRPO learn from differences between the responses to one prompt; a prompt whose k
rewards are all equal teaches nothing. Needs k of 2 or more.

Prompts sorted by their mean, each with its responses' scores: how groups look, in a few hundred cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.redraw import BLOCK, Interval, wilson
from dryrun.core.arrays import Floats, Ints

GROUP = 8
"""Responses per prompt in training, where nothing else is said: the default of TRL and Fireworks."""
DECIMALS = 6
"""Scores that agree to this number of decimals are one value."""
MOST_VALUES = 64
FREQUENT = 0.005
"""Scores that make up less than this share are rare: two responses that share one are no coincidence."""
DRAWS, MANY = 400, 2000
"""Re-draws, and prompts above which a jackknife takes their place."""
BLOCKS, T_BLOCKS = 20, 2.093
"""Parts of the jackknife, and Student's 97.5 % for one degree of freedom less."""
DOUBT = 0.4
LEARNABLE = (0.1, 0.9)
"""A prompt whose mean score lies strictly between can be learned from (Open-R1's filter)."""


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
    usable_interval : Interval
    extrapolated : bool
        Whether `group` is larger than the rollouts there are.
    learnable : float
        Share of prompts with a mean strictly between 0.1 and 0.9. With a noisy grader it says nothing.
    learnable_interval : Interval
        Wilson, over prompts.
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
    usable_interval: Interval
    extrapolated: bool
    learnable: float
    learnable_interval: Interval
    all_right: float
    all_wrong: float
    group: int

    @property
    def cost_factor(self) -> float | None:
        """How many groups have to be drawn for one that teaches; None if none would."""
        return 1 / self.usable if self.usable > 0 else None


def groups(score: Floats, prompt: Ints, group: int = GROUP) -> Groups | None:
    """Measure them; None where no two prompts have two scores.

    Parameters
    ----------
    score : float64 array of shape (n,)
        On 0..1; NaN (also for truncated and refused responses) is left out.
    prompt : int64 array of shape (n,)
    group : int
        Responses per prompt in training.
    """
    return _groups(score.astype(np.float64).tobytes(), prompt.astype(np.int64).tobytes(), group)


@lru_cache(maxsize=4)
def _groups(scores: bytes, prompts: bytes, group: int) -> Groups | None:
    """Measured once for equal scores: a threshold that is moved leaves groups as they are."""
    score, prompt = np.frombuffer(scores), np.frombuffer(prompts, np.int64)
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
    learnable = (means > LEARNABLE[0]) & (means < LEARNABLE[1])
    usable = usable_share(values, index, counts, group)
    around = usable_interval(values, index, counts, group)
    if around.low == around.high:  # prompts that are all alike have no spread to draw an interval from
        around = Interval(*wilson(usable, sizes.size))
    return Groups(
        prompts=int(sizes.size),
        rollouts=float(counts.mean()),
        within=within,
        between=between,
        icc=icc,
        usable=usable,
        usable_interval=around,
        extrapolated=bool(group > counts.min()),
        learnable=float(learnable.mean()),
        learnable_interval=Interval(*wilson(float(learnable.mean()), learnable.size)),
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
    """1 - P(all `group` rewards of a prompt are equal), by one beta-binomial per frequent value.

    Where every prompt has at least `group` scores the exact share of their subsets is taken instead.

    Notes
    -----
    Moment estimate of the beta-binomial: its intraclass correlation is the ANOVA estimate over hits.
    The share of zero-variance groups at k is no estimate for G: it is off by up to 0.5 in simulation.
    """
    return float(_Ties.of(values, index, counts, group).usable(np.ones((1, counts.size)))[0])


def usable_interval(
    values: Floats, index: NDArray[np.intp], counts: Floats, group: int, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """95 % of `usable_share` when prompts are drawn again; wider where it is extrapolated.

    Beyond the rollouts there are, the beta-binomial is an assumption: prompts that are always right or
    always wrong, whatever the number of responses, make it too hopeful. `DOUBT` of what extrapolation adds
    is taken off the lower end, which brought its coverage to the nominal level in simulation with such
    prompts.
    """
    ties = _Ties.of(values, index, counts, group)
    low, high = _jackknifed(ties, seed) if counts.size > MANY else _redrawn(ties, draws, seed)
    have = int(counts.min())
    if group > have:
        whole = np.ones((1, counts.size))
        gain = ties.usable(whole) - _Ties.of(values, index, counts, max(have, 2)).usable(whole)
        low -= DOUBT * max(float(gain[0]), 0.0)
    return Interval(max(float(low), 0.0), float(high))


def _redrawn(ties: _Ties, draws: int, seed: int) -> tuple[float, float]:
    prompts = ties.counts.size
    rng = np.random.default_rng(seed)
    rows = max(1, BLOCK // prompts)
    parts = []
    for start in range(0, draws, rows):
        chosen = rng.integers(prompts, size=(min(rows, draws - start), prompts))
        weights = np.array([np.bincount(row, minlength=prompts) for row in chosen], dtype=np.float64)
        parts.append(ties.usable(weights))
    low, high = np.quantile(np.concatenate(parts), [0.025, 0.975])
    return float(low), float(high)


def _jackknifed(ties: _Ties, seed: int) -> tuple[float, float]:
    """The interval by leaving out one of `BLOCKS` random parts at a time: for many prompts that is enough."""
    which = np.random.default_rng(seed).permutation(ties.counts.size) % BLOCKS
    left = ties.usable((which != np.arange(BLOCKS)[:, None]).astype(np.float64))
    error = float(np.sqrt((BLOCKS - 1) / BLOCKS * ((left - left.mean()) ** 2).sum()))
    center = float(left.mean())
    return center - T_BLOCKS * error, center + T_BLOCKS * error


@dataclass(frozen=True, slots=True)
class _Ties:
    """What P(all rewards equal) needs from each prompt, for any weights of the prompts.

    `hits` has shape (prompts, values): how often each frequent value occurs. `alike` marks prompts whose
    scores are all one rare value: those stay equal in groups of any size.
    """

    hits: Floats
    counts: Floats
    group: int
    squares: Floats
    alike: Floats

    @classmethod
    def of(cls, values: Floats, index: NDArray[np.intp], counts: Floats, group: int) -> _Ties:
        _, level, often = np.unique(values, return_inverse=True, return_counts=True)
        most = np.argsort(-often, kind="stable")[:MOST_VALUES]
        frequent = [which for which in most if often[which] >= max(2.0, FREQUENT * values.size)]
        hits = [np.bincount(index, level == which, counts.size) for which in frequent]
        table: Floats = np.zeros((counts.size, len(hits)))
        for column, hit_counts in enumerate(hits):
            table[:, column] = hit_counts
        low, high = np.full(counts.size, level.size), np.full(counts.size, -1)
        np.minimum.at(low, index, level)
        np.maximum.at(high, index, level)
        alike = (low == high) & ~np.isin(low, frequent)
        return cls(table, counts, group, table**2 / counts[:, None], alike.astype(np.float64))

    def usable(self, weights: Floats) -> Floats:
        """For weights of shape (draws, prompts) the usable share of each draw."""
        exact = self.counts.min() >= self.group
        tie = self._exact(weights) if exact else self._extrapolated(weights)
        tie = tie + weights @ self.alike / weights.sum(axis=1)
        share: Floats = np.clip(1.0 - tie, 0.0, 1.0)
        return share

    def _exact(self, weights: Floats) -> Floats:
        left = np.ones_like(self.hits)
        for step in range(self.group):
            left *= (self.hits - step).clip(0) / (self.counts[:, None] - step)
        equal: Floats = weights @ left.sum(axis=1) / weights.sum(axis=1)
        return equal

    def _extrapolated(self, weights: Floats) -> Floats:
        prompts, total = weights.sum(axis=1)[:, None], (weights @ self.counts)[:, None]
        hits, squares = weights @ self.hits, weights @ self.squares
        inside = (hits - squares) / np.maximum(total - prompts, 1)
        across = (squares - hits**2 / total) / np.maximum(prompts - 1, 1)
        size = (total - (weights @ self.counts**2)[:, None] / total) / np.maximum(prompts - 1, 1)
        whole = across + (size - 1) * inside
        spread = np.divide(across - inside, whole, out=np.zeros_like(whole), where=whole > 0)
        spread = np.clip(spread, 1e-9, 1 - 1e-9)
        share, strength = (hits / total)[:, :, None], ((1 - spread) / spread)[:, :, None]
        steps = np.arange(self.group)
        equal: Floats = np.prod((share * strength + steps) / (strength + steps), axis=2).sum(axis=1)
        return equal


COLUMNS, CELLS = 60, 16
"""Columns and cells a strip has at most, whatever the number of prompts and responses."""


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


def group_strip(score: Floats, prompt: Ints) -> tuple[StripColumn, ...]:
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
