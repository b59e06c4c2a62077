"""Everything that is known about what training would be paid for; it depends on no threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.groups import usable_share
from dryrun.analysis.figures.readings import follows
from dryrun.analysis.figures.statistics import is_valid
from dryrun.analysis.observations import Observations
from dryrun.analysis.training.advantages import (
    Energy,
    GroupKinds,
    Rollouts,
    group_kinds,
    paid_energy,
)
from dryrun.analysis.training.harm import Pull, trait_pulls
from dryrun.analysis.training.headroom import Headroom, headroom, topic_headroom
from dryrun.analysis.training.outcome import REWARD, Outcome, choose_outcome, outcome_names
from dryrun.core.records import SampleOutcome

NOT_OWN = (SampleOutcome.TRUNCATED.value, SampleOutcome.REFUSED.value, SampleOutcome.FILTERED.value)
"""Outcomes that would fake a contrast between the rollouts of a prompt."""


FOLLOWS_OUTCOME = 0.1
"""Correlation of reward and outcome within groups that surely teaches the outcome."""


@dataclass(frozen=True, slots=True)
class Training:
    """What training on these groups would be paid for.

    Attributes
    ----------
    outcome : Outcome
    choices : tuple of str
        What else can be the outcome.
    kinds : GroupKinds or None
        None without a prompt that has two responses.
    energy : Energy or None
    pulls : tuple of Pull
        Of the length and each other part of the reward; empty with too few mixed groups.
    headroom : Headroom or None
    topics : tuple of Headroom
    """

    outcome: Outcome
    choices: tuple[str, ...]
    kinds: GroupKinds | None
    energy: Energy | None
    pulls: tuple[Pull, ...]
    headroom: Headroom | None
    topics: tuple[Headroom, ...]

    @property
    def by_part(self) -> bool:
        """Whether the outcome is a part of the reward, so that the rest is shaping."""
        return self.outcome.name != REWARD

    @property
    def harmful(self) -> tuple[Pull, ...]:
        """Traits that training would surely pull away from right answers, the worst first."""
        return tuple(sorted((pull for pull in self.pulls if pull.harms), key=lambda pull: pull.harm))

    @property
    def mostly_shaping(self) -> bool:
        """Whether surely more groups differ in shaping alone than in the outcome."""
        return self.by_part and self.kinds is not None and self.kinds.surely_shaping


def training_of(observed: Observations, outcome: str = "", *, by_topic: bool = True) -> Training:
    """Measure it; once for a run's grades, not for each threshold.

    Parameters
    ----------
    observed : Observations
    outcome : str
        As `choose_outcome` reads it; ``""``: guessed.
    by_topic : bool
        Whether to measure the headroom of topics too. No verdict reads it, and it takes most of the time.

    Raises
    ------
    DryRunError
        The outcome cannot be read, in one sentence.
    """
    chosen = choose_outcome(observed, outcome)
    reward, right = own_rewards(observed), chosen.right(observed)
    rollouts = training_rollouts(observed, chosen)
    energy = paid_energy(rollouts) if rollouts.groups else None
    pulls = trait_pulls(rollouts, rollouts.normalised(rollouts.reward), chosen.name)
    counted = np.flatnonzero(np.isfinite(right) & np.isfinite(reward))
    prompts, first, index = np.unique(observed.prompt[counted], return_index=True, return_inverse=True)
    solved = np.bincount(index, right[counted], prompts.size).astype(np.int64)
    tried = np.bincount(index, minlength=prompts.size).astype(np.int64)
    return Training(
        chosen,
        outcome_names(observed),
        group_kinds(rollouts),
        energy,
        pulls,
        headroom(solved, tried),
        topic_headroom(solved, tried, observed.topic[counted][first].tolist()) if by_topic else (),
    )


def training_rollouts(observed: Observations, outcome: Outcome) -> Rollouts:
    """The groups that advantages are made of: without responses that were cut off or refused."""
    right = outcome.right(observed)
    return Rollouts.of(own_rewards(observed), right, observed.prompt, observed.parts, observed.length)


def own_rewards(observed: Observations) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Valid scores of responses that the model ended by itself; NaN elsewhere."""
    kept = is_valid(observed.score) & ~np.isin(observed.outcome, NOT_OWN)
    return np.where(kept, np.clip(observed.score, 0.0, 1.0), np.nan)


def outcome_teaches(observed: Observations, training: Training | None, least: float) -> bool:
    """Whether a part of the reward is the outcome, and training would surely raise it.

    It differs in surely `least` of the groups or more, within these the reward surely follows it, and
    nothing is surely pulled away from right answers. What the other parts do between prompts trains nothing.
    """
    if training is None or not training.by_part or training.kinds is None or training.harmful:
        return False
    if training.kinds.mixed_interval.low < least:
        return False
    rollouts = training_rollouts(observed, training.outcome)
    mixed = np.abs(rollouts.centred(rollouts.right)) > 0.0
    reward = rollouts.normalised(rollouts.reward)[mixed]
    pull = follows(reward, rollouts.right[mixed], rollouts.index[mixed])
    return pull is not None and pull.interval.low >= FOLLOWS_OUTCOME


def outcome_usable(observed: Observations, training: Training | None, group: int) -> float | None:
    """Share of groups of `group` whose outcome would differ; None where no part is the outcome.

    The beta-binomial share of `figures.groups`, without its interval: it is cheap enough for each threshold.
    """
    if training is None or not training.by_part:
        return None
    rollouts = training_rollouts(observed, training.outcome)
    if rollouts.groups < 2:
        return None
    sizes = rollouts.total(np.ones(rollouts.right.size))
    return usable_share(rollouts.right, rollouts.index, sizes, group)
