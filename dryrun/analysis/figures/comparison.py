"""Two sets of scores side by side: how far apart are the means, and do both rank alike?

The unit of re-drawing is the prompt. Where both answer the same prompts they are drawn in pairs, which
takes the prompts' own difficulty out of the interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.agreement import PASS
from dryrun.analysis.figures.redraw import BLOCK, PromptSums, redrawn
from dryrun.analysis.figures.statistics import DIGITS
from dryrun.core.arrays import Floats, Ints
from dryrun.core.thresholds import Thresholds

DRAWS = 2000
MANY_PROMPTS = 5000
"""More are re-drawn less often: their interval is narrow anyway."""
RANK_WORK = 4_000_000
"""Rows times re-draws of the rank correlation, at most; more rows are re-drawn less often."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Second mean less first.

    Attributes
    ----------
    first, second : float
        Means over all responses that are compared.
    value, low, high : float
        Their difference with its 95 % interval (percentile bootstrap over prompts).
    prompts : tuple of int
        Compared prompts of the first and of the second; the same ones where `paired`.
    paired : bool
    """

    first: float
    second: float
    value: float
    low: float
    high: float
    prompts: tuple[int, int]
    paired: bool

    @property
    def clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rank correlation with its 95 % interval."""

    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Flips:
    """Responses on the other side of 0.5 after; positions, the largest change first.

    Attributes
    ----------
    gained, lost : int64 arrays
        Failed before and pass now; passed before and fail now.
    rows : int
        Responses with a score on both sides.
    """

    gained: Ints
    lost: Ints
    rows: int


@dataclass(frozen=True, slots=True)
class TopicChange:
    """A topic before and after.

    Attributes
    ----------
    topic : str
    first, second : float
        Means.
    before, after : str
        Where they lie among the thresholds: ``"too low"``, ``"low"``, ``"healthy"``, ``"high"`` or
        ``"too high"``.
    """

    topic: str
    first: float
    second: float
    before: str
    after: str

    @property
    def flipped(self) -> bool:
        """Whether a threshold lies between."""
        return self.before != self.after


def paired_difference(
    first: Floats, first_prompt: Ints, second: Floats, second_prompt: Ints, draws: int = DRAWS, seed: int = 0
) -> Difference | None:
    """The difference over the prompts that both have a score for; None with fewer than two.

    Parameters
    ----------
    first, second : float64 arrays of shape (n,) and (m,)
        Scores on 0..1; NaN is left out.
    first_prompt, second_prompt : int64 arrays
        One numbering for both.
    draws, seed : int
    """
    shared = np.intersect1d(first_prompt[np.isfinite(first)], second_prompt[np.isfinite(second)])
    if shared.size < 2:
        return None
    before, after = _sums(first, first_prompt, shared), _sums(second, second_prompt, shared)
    draws = draws if shared.size <= MANY_PROMPTS else max(200, draws // 4)
    rng = np.random.default_rng(seed)
    drawn = np.empty(draws)
    size = int(shared.size)
    rows = max(1, BLOCK // size)
    for start in range(0, draws, rows):
        chosen = rng.integers(size, size=(min(rows, draws - start), size))
        drawn[start : start + rows] = _mean(after, chosen) - _mean(before, chosen)
    every = np.arange(size)
    means = float(_mean(before, every)), float(_mean(after, every))
    return _difference(*means, drawn, (size, size), paired=True)


def unpaired_difference(
    first: Floats, first_prompt: Ints, second: Floats, second_prompt: Ints, draws: int = DRAWS, seed: int = 0
) -> Difference | None:
    """The difference between sets of other prompts, each re-drawn by itself; None with fewer than two in one.

    Parameters
    ----------
    As in `paired_difference`; the numberings need not agree.
    """
    before, after = PromptSums.of(first, first_prompt), PromptSums.of(second, second_prompt)
    if min(before.count.size, after.count.size) < 2:
        return None
    drawn = redrawn(after, draws, seed + 1)[0] - redrawn(before, draws, seed)[0]
    sizes = (before.count.size, after.count.size)
    return _difference(before.center, after.center, drawn, sizes, paired=False)


@dataclass(frozen=True, slots=True)
class PromptMoves:
    """The prompts that both runs have a score for, in the order of their numbers.

    Attributes
    ----------
    prompt : int64 array
        Their numbers.
    first, second : float64 arrays
        Means of their scores.
    """

    prompt: Ints
    first: Floats
    second: Floats

    @property
    def change(self) -> Floats:
        """Second mean less first."""
        return self.second - self.first

    def furthest(self, most: int) -> Ints:
        """Positions of the prompts that moved, the largest change first, at most `most`."""
        size = np.round(np.abs(self.change), DIGITS)
        order = np.argsort(-size, kind="stable")
        return order[size[order] > 0][:most]


def prompt_moves(first: Floats, first_prompt: Ints, second: Floats, second_prompt: Ints) -> PromptMoves:
    """How the prompts that both have moved; arguments as for `paired_difference`."""
    shared = np.intersect1d(first_prompt[np.isfinite(first)], second_prompt[np.isfinite(second)])
    before, after = _sums(first, first_prompt, shared), _sums(second, second_prompt, shared)
    return PromptMoves(shared, before[0] / before[1], after[0] / after[1])


def difference_counts(differences: Floats) -> tuple[int, ...]:
    """Prompts in each of 21 bars of differences, from -1.05 to 1.05, the middle one around 0."""
    middle = np.clip(np.round(np.round(differences, DIGITS) * 10), -10, 10).astype(np.int64)
    return tuple(int(count) for count in np.bincount(middle + 10, minlength=21))


def rank_correlation(
    first: Floats, second: Floats, prompt: Ints, draws: int = 1000, seed: int = 0
) -> Correlation | None:
    """Spearman's rho of two scores of the same responses; None where one of them never varies.

    Parameters
    ----------
    first, second : float64 arrays of shape (n,)
        Rows where one is NaN are left out.
    prompt : int64 array of shape (n,)
    draws, seed : int
    """
    known = np.isfinite(first) & np.isfinite(second)
    before, after = (np.round(side[known], DIGITS) for side in (first, second))
    _, index = np.unique(prompt[known], return_inverse=True)
    if before.size < 3 or not np.ptp(before) or not np.ptp(after):
        return None
    levels = [np.unique(side, return_inverse=True)[1] for side in (before, after)]
    prompts = int(index.max()) + 1
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(min(draws, max(100, RANK_WORK // before.size))):
        often = np.bincount(rng.integers(prompts, size=prompts), minlength=prompts)
        drawn.append(_rho(levels[0], levels[1], often[index].astype(np.float64)))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    whole = _rho(levels[0], levels[1], np.ones(before.size))
    return Correlation(whole, float(low), float(high), int(before.size))


def flips(first: Floats, second: Floats) -> Flips:
    """Responses that pass (0.5 or more) on one side only; arrays of shape (n,), NaN is left out."""
    known = np.isfinite(first) & np.isfinite(second)
    before, after = (np.round(side, DIGITS) >= PASS for side in (first, second))
    change = np.where(known, np.abs(second - first), 0.0)
    gained, lost = np.flatnonzero(known & ~before & after), np.flatnonzero(known & before & ~after)
    return Flips(_by(gained, change), _by(lost, change), int(known.sum()))


def _by(rows: Ints, change: Floats) -> Ints:
    return rows[np.argsort(-change[rows], kind="stable")].astype(np.int64)


def topic_changes(
    first: Floats,
    first_topic: NDArray[np.object_],
    second: Floats,
    second_topic: NDArray[np.object_],
    thresholds: Thresholds,
) -> tuple[TopicChange, ...]:
    """Topics that both have scores for, those that crossed a threshold first, then by name."""
    before, after = _topic_means(first, first_topic), _topic_means(second, second_topic)
    changes = [
        TopicChange(
            name, before[name], after[name], band(before[name], thresholds), band(after[name], thresholds)
        )
        for name in sorted(before.keys() & after.keys())
    ]
    return tuple(sorted(changes, key=lambda change: not change.flipped))


def band(mean: float, thresholds: Thresholds) -> str:
    """Where a mean lies among the limits of the decision tree and the healthy range."""
    at = round(mean, DIGITS)
    if at < thresholds.mean_low:
        return "too low"
    if at > thresholds.mean_high:
        return "too high"
    if at < thresholds.healthy_mean_low:
        return "low"
    return "high" if at > thresholds.healthy_mean_high else "healthy"


def _topic_means(score: Floats, topic: NDArray[np.object_]) -> dict[str, float]:
    known = np.isfinite(score)
    return {str(name): float(score[known & (topic == name)].mean()) for name in set(topic[known].tolist())}


def _sums(score: Floats, prompt: Ints, among: Ints) -> tuple[Floats, Floats]:
    """Sum and number of the scores of each prompt in `among` (sorted)."""
    kept = np.isfinite(score) & np.isin(prompt, among)
    where = np.searchsorted(among, prompt[kept])
    count = np.bincount(where, minlength=among.size).astype(np.float64)
    total = np.bincount(where, score[kept], among.size).astype(np.float64)
    return total, count


def _mean(sums: tuple[Floats, Floats], chosen: Ints) -> Floats:
    """Of the prompts chosen along the last axis."""
    return np.asarray(sums[0][chosen].sum(axis=-1) / sums[1][chosen].sum(axis=-1))


def _difference(
    first: float, second: float, drawn: Floats, prompts: tuple[int, int], *, paired: bool
) -> Difference:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Difference(first, second, second - first, float(low), float(high), prompts, paired)


def _rho(first: Ints, second: Ints, weight: Floats) -> float:
    """Pearson's correlation of the mid-ranks of rows that stand `weight` times each; NaN if one is constant.

    References
    ----------
    Spearman (1904); mid-ranks for ties as in Kendall, Rank Correlation Methods.
    """
    ranks = [_midranks(level, weight) for level in (first, second)]
    total = weight.sum()
    off = [rank - (weight * rank).sum() / total for rank in ranks]
    spread = float(np.sqrt((weight * off[0] ** 2).sum() * (weight * off[1] ** 2).sum()))
    return float((weight * off[0] * off[1]).sum()) / spread if spread > 0 else float("nan")


def _midranks(level: Ints, weight: Floats) -> Floats:
    mass = np.bincount(level, weight)
    ranks: Floats = (np.cumsum(mass) - mass + (mass + 1) / 2)[level]
    return ranks
