"""What the groups of a prompt differ in, what share of it the outcome explains, and which traits it pulls.

In a group of k responses to one prompt with rewards r, GRPO's advantages are ``a = (r - mean) / std``;
their energy is the sum of ``a**2``. No training is needed to know them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from dryrun.analysis.figures.redraw import Interval, wilson
from dryrun.core.arrays import Bools, Floats, Ints

DECIMALS = 6
DRAWS = 400
LEAST_SPREAD = 1e-9
BLOCKS = 2000


class Mode(StrEnum):
    """How a trainer turns the parts of a reward into advantages."""

    SUM = "sum, then normalise"
    """GRPO: the weighted parts are added, and the group's mean and std taken from the sum."""
    EACH = "normalise each, then sum"
    """GDPO (arXiv 2601.05242): each part has its own mean and std within the group."""
    UNSCALED = "sum, without std"
    """``scale_rewards=none``, Dr. GRPO (arXiv 2503.20783): the group's mean alone is taken off."""
    GATED = "gated by the outcome"
    """The other parts count only where the outcome is right; then as `SUM`."""


@dataclass(frozen=True, slots=True)
class Rollouts:
    """Responses in groups of two or more to one prompt, prompt by prompt.

    Attributes
    ----------
    reward, right : float64 arrays of shape (n,)
        The reward on 0..1, and 1 where the outcome is right, else 0.
    index : int64 array of shape (n,)
        The group of each response, from 0.
    parts : mapping of str to float64 array of shape (n,)
        Parts of the reward.
    length : float64 array of shape (n,)
        NaN where unknown.
    """

    reward: Floats
    right: Floats
    index: Ints
    parts: Mapping[str, Floats]
    length: Floats

    @property
    def groups(self) -> int:
        """How many there are."""
        return int(self.index[-1]) + 1 if self.index.size else 0

    @classmethod
    def of(
        cls, reward: Floats, right: Floats, prompt: Ints, parts: Mapping[str, Floats], length: Floats
    ) -> Rollouts:
        """From long form; responses without a reward or an outcome, and prompts with one, are left out."""
        valid = np.flatnonzero(np.isfinite(reward) & np.isfinite(right))
        _, index, sizes = np.unique(prompt[valid], return_inverse=True, return_counts=True)
        valid = valid[sizes[index] >= 2]
        valid = valid[np.lexsort((reward[valid], prompt[valid]))]
        _, index = np.unique(prompt[valid], return_inverse=True)
        # A part that a grade lacks adds nothing to its reward.
        kept = {name: np.nan_to_num(part[valid], nan=0.0) for name, part in parts.items()}
        return cls(reward[valid], right[valid], index.astype(np.int64), kept, length[valid])

    def total(self, value: Floats) -> Floats:
        """Sum of each group; shape ``(groups,)``."""
        return np.bincount(self.index, value, self.groups).astype(np.float64)

    def centred(self, value: Floats) -> Floats:
        """`value` less its group's mean; exactly 0 where the group is all alike."""
        off = value - (self.total(value) / self.total(np.ones(value.size)))[self.index]
        return np.where(np.abs(off) < LEAST_SPREAD, 0.0, off)

    def normalised(self, value: Floats) -> Floats:
        """``(value - mean) / std`` of its group, 0 where that has no spread; std with ddof 0."""
        off = self.centred(value)
        spread = np.sqrt(self.total(off * off) / self.total(np.ones(value.size)))[self.index]
        return np.divide(off, spread, out=np.zeros_like(off), where=spread > LEAST_SPREAD)


@dataclass(frozen=True, slots=True)
class GroupKinds:
    """Shares of prompts by what their responses differ in, with Wilson intervals of 95 %.

    Attributes
    ----------
    prompts : int
        With two responses or more.
    mixed : float
        The outcome differs, and so does the reward.
    shaping : float
        The outcome is equal, the reward differs.
    dead : float
        The reward is equal: nothing to learn from.
    surely_shaping : bool
        More than half of the groups that train anything are `shaping`, chance excluded.
    """

    prompts: int
    mixed: float
    mixed_interval: Interval
    shaping: float
    shaping_interval: Interval
    dead: float
    dead_interval: Interval
    surely_shaping: bool


@dataclass(frozen=True, slots=True)
class PartShare:
    """One part of the reward: its weight there, and its share of the advantages' energy.

    Shares of all parts add up to 1; one that works against the others has a negative share.
    """

    name: str
    weight: float
    share: float


@dataclass(frozen=True, slots=True)
class Energy:
    """Where the advantages come from.

    Attributes
    ----------
    outcome : float or None
        Share of the energy that the outcome explains: the squared correlation of advantage and outcome
        within groups, averaged over the energy; None where no group trains.
    interval : Interval or None
        95 %, prompts drawn again.
    parts : tuple of PartShare
        Empty where the reward has no parts.
    """

    outcome: float | None
    interval: Interval | None
    parts: tuple[PartShare, ...]


def group_kinds(rollouts: Rollouts) -> GroupKinds | None:
    """What the groups differ in; None without two prompts that have two responses."""
    count = rollouts.groups
    if count < 2:
        return None
    alive = _spread(rollouts, rollouts.reward)
    mixed = alive & _spread(rollouts, rollouts.right)
    shares = [float(kind.mean()) for kind in (mixed, alive & ~mixed, ~alive)]
    spans = [Interval(*wilson(share, count)) for share in shares]
    training = int(alive.sum())
    low, _ = wilson(float((alive & ~mixed).sum()) / max(training, 1), training)
    return GroupKinds(count, shares[0], spans[0], shares[1], spans[1], shares[2], spans[2], low > 0.5)


def what_if(rollouts: Rollouts, weights: Mapping[str, float], mode: Mode, outcome: str = "") -> Energy:
    """The energy under other weights, or another way to make advantages of the parts; without an interval.

    A part without a weight counts 0; the `outcome` is not gated by itself.
    """
    terms = _terms(rollouts, weights, mode, outcome)
    whole = np.sum(list(terms.values()), axis=0) if terms else np.zeros(rollouts.reward.size)
    energy = float(whole @ whole)
    parts = tuple(
        PartShare(name, float(weights[name]), float(term @ whole) / energy if energy > 0 else 0.0)
        for name, term in terms.items()
    )
    return Energy(_outcome_share(*_along(rollouts, whole)), None, parts)


def paid_energy(rollouts: Rollouts) -> Energy:
    """The energy under the reward as it is; `parts` where a weighted sum of the parts is that reward."""
    weights = fitted_weights(rollouts)
    as_paid = _explained(rollouts, rollouts.normalised(rollouts.reward))
    parts = what_if(rollouts, weights, Mode.SUM).parts if weights else ()
    return Energy(*as_paid, parts)


def fitted_weights(rollouts: Rollouts) -> dict[str, float]:
    """Weights by which the parts add up to the reward within groups; empty where no weights do.

    A formula with products or gates has none.
    """
    names = [name for name, part in rollouts.parts.items() if np.any(rollouts.centred(part))]
    target = rollouts.centred(rollouts.reward)
    if not names or not np.any(target):
        return {}
    table = np.column_stack([rollouts.centred(rollouts.parts[name]) for name in names])
    weights, _, rank, _ = np.linalg.lstsq(table, target, rcond=None)
    rest = target - table @ weights
    if rank < len(names) or float(rest @ rest) > 1e-4 * float(target @ target):
        return {}
    return {name: round(float(weight), DECIMALS) for name, weight in zip(names, weights, strict=True)}


def _terms(rollouts: Rollouts, weights: Mapping[str, float], mode: Mode, outcome: str) -> dict[str, Floats]:
    """What each part adds to the advantages."""
    parts = {name: rollouts.parts[name] * weight for name, weight in weights.items()}
    if mode is Mode.EACH:
        return {name: weights[name] * rollouts.normalised(rollouts.parts[name]) for name in parts}
    if mode is Mode.GATED:
        parts = {name: part if name == outcome else part * rollouts.right for name, part in parts.items()}
    terms = {name: rollouts.centred(part) for name, part in parts.items()}
    if mode is Mode.UNSCALED or not terms:
        return terms
    whole = np.sum(list(terms.values()), axis=0)
    spread = np.sqrt(rollouts.total(whole * whole) / rollouts.total(np.ones(whole.size)))[rollouts.index]
    safe = np.where(spread > LEAST_SPREAD, spread, np.inf)
    return {name: term / safe for name, term in terms.items()}


def _spread(rollouts: Rollouts, value: Floats) -> Bools:
    return np.bincount(rollouts.index, np.round(rollouts.centred(value), DECIMALS) != 0, rollouts.groups) > 0


def _along(rollouts: Rollouts, advantage: Floats) -> tuple[Floats, Floats]:
    """For each group the energy along the outcome, and the total energy."""
    right = rollouts.centred(rollouts.right)
    along, room = rollouts.total(advantage * right), rollouts.total(right * right)
    explained = np.divide(along**2, room, out=np.zeros_like(along), where=room > LEAST_SPREAD)
    return explained, rollouts.total(advantage * advantage)


def _outcome_share(explained: Floats, energy: Floats) -> float | None:
    whole = float(energy.sum())
    return float(explained.sum()) / whole if whole > LEAST_SPREAD else None


def _explained(rollouts: Rollouts, advantage: Floats) -> tuple[float | None, Interval | None]:
    """Share of the energy along the outcome, and its interval."""
    explained, energy = _along(rollouts, advantage)
    share = _outcome_share(explained, energy)
    if share is None:
        return None, None
    drawn = redrawn_sums(np.column_stack([explained, energy]))
    low, high = np.quantile(drawn[:, 0] / np.maximum(drawn[:, 1], LEAST_SPREAD), [0.025, 0.975])
    if low == high:  # groups that are all of one kind have no spread to draw an interval from
        return share, Interval(*wilson(min(share, 1.0), int((energy > 0).sum())))
    return share, Interval(float(low), float(min(high, 1.0)))


def redrawn_sums(table: Floats, draws: int = DRAWS) -> Floats:
    """Column sums of `draws` re-draws of as many rows; shape ``(draws, columns)``.

    More than `BLOCKS` rows are first added up in that number of random blocks, which are drawn again.
    """
    rng = np.random.default_rng(0)
    if table.shape[0] > BLOCKS:
        block = rng.permutation(table.shape[0]) % BLOCKS
        table = np.column_stack([np.bincount(block, column, BLOCKS) for column in table.T])
    count = table.shape[0]
    sums = np.empty((draws, table.shape[1]))
    for row, chosen in enumerate(rng.integers(count, size=(draws, count))):
        sums[row] = np.bincount(chosen, minlength=count) @ table
    return sums


LENGTH = "length"
LEAST_MIXED = 10
"""With fewer groups that hold right and wrong answers, nothing shows what right answers need."""
SURE, SURE_DRAWS = 0.95, 1000


@dataclass(frozen=True, slots=True)
class Pull:
    """One trait of responses: length, or a part of the reward.

    Attributes
    ----------
    trait : str
    pull : float
        Correlation of advantage and trait within groups: where training pushes it; -1..1.
    need : float
        Correlation of outcome and trait within groups with right and wrong answers.
    harm : float
        ``pull * need``: positive, shaping goes where right answers lie; negative, the run unlearns.
    interval : Interval
        Of `harm`; 95 % for all traits together (Bonferroni), prompts drawn again.
    harms : bool
        Both correlations surely differ from 0 and have opposite signs.
    """

    trait: str
    pull: float
    need: float
    harm: float
    interval: Interval
    harms: bool


def trait_pulls(rollouts: Rollouts, advantage: Floats, outcome: str) -> tuple[Pull, ...]:
    """The pulls of the length and of every part but the outcome; empty with too few mixed groups.

    Parameters
    ----------
    rollouts : Rollouts
    advantage : float64 array of shape (n,)
    outcome : str
        The part that is the outcome.
    """
    right = rollouts.centred(rollouts.right)
    mixed = rollouts.total(right * right) > LEAST_SPREAD
    if int(mixed.sum()) < LEAST_MIXED:
        return ()
    traits = {name: part for name, part in rollouts.parts.items() if name != outcome}
    if np.isfinite(rollouts.length).all():
        traits[LENGTH if LENGTH not in traits else "length of the response"] = rollouts.length
    traits = {name: value for name, value in traits.items() if np.any(rollouts.centred(value))}
    pulls = [
        _pull(rollouts, advantage, right * mixed[rollouts.index], name, value, len(traits))
        for name, value in traits.items()
    ]
    return tuple(pull for pull in pulls if pull is not None)


def _pull(
    rollouts: Rollouts, advantage: Floats, right: Floats, name: str, trait: Floats, traits: int
) -> Pull | None:
    off = rollouts.centred(trait)
    off = off / np.sqrt(float(off @ off) / off.size)
    inside = rollouts.total(right * right) > LEAST_SPREAD
    table = np.column_stack(
        [
            rollouts.total(advantage * off),
            rollouts.total(advantage * advantage),
            rollouts.total(off * off),
            rollouts.total(right * off),
            rollouts.total(right * right),
            rollouts.total(off * off) * inside,
        ]
    )
    if np.any(table.sum(axis=0)[[1, 2, 4, 5]] <= LEAST_SPREAD):
        return None
    pull, need = (float(correlation[0]) for correlation in _correlations(table.sum(axis=0)[None]))
    pulls, needs = _correlations(redrawn_sums(table, SURE_DRAWS))
    edges = np.array([0.5, -0.5]) * (1 - SURE) / traits + np.array([0.0, 1.0])
    spans = [np.quantile(drawn, edges) for drawn in (pulls, needs, pulls * needs)]
    sure = all(low > 0 or high < 0 for low, high in spans[:2])
    harm = pull * need
    return Pull(name, pull, need, harm, Interval(*map(float, spans[2])), sure and harm < 0)


def _correlations(sums: Floats) -> tuple[Floats, Floats]:
    """Correlations of advantage and trait, and of outcome and trait, from the six sums in `_pull`."""
    along, energy, spread, needed, right, inside = sums.T
    return (
        along / np.sqrt(np.maximum(energy * spread, LEAST_SPREAD)),
        needed / np.sqrt(np.maximum(right * inside, LEAST_SPREAD)),
    )
