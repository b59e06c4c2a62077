"""Where advantages pull a trait, and where right answers need it: do both go the same way?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.training.advantages import LEAST_SPREAD, Floats, Rollouts, redrawn_sums

LENGTH = "length"
LEAST_MIXED = 10
"""With fewer groups that hold right and wrong answers, nothing shows what right answers need."""
SURE, DRAWS = 0.95, 1000


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
    pulls, needs = _correlations(redrawn_sums(table, DRAWS))
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
