"""What training would be paid for: which number says a response is right, and all that follows from it.

It depends on no threshold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.groups import usable_share
from dryrun.analysis.figures.readings import follows
from dryrun.analysis.figures.statistics import is_valid
from dryrun.analysis.observations import Observations
from dryrun.analysis.training.advantages import (
    Energy,
    GroupKinds,
    Pull,
    Rollouts,
    group_kinds,
    paid_energy,
    trait_pulls,
)
from dryrun.analysis.training.headroom import Headroom, headroom, topic_headroom
from dryrun.core.arrays import Floats
from dryrun.core.errors import DryRunError
from dryrun.core.records import SampleOutcome

REWARD = "reward"
NAMES = (
    *("outcome", "acc", "accuracy", "correct", "correctness", "is_correct", "exact_match", "exact"),
    *("em", "success", "solved", "passed", "pass", "right", "ok", "answer", "result"),
)
"""What the part that pays for a right answer is called, the surest name first."""
WORD = re.compile(r"[a-z0-9]+")
WRITTEN = re.compile(r"\s*(?P<name>.*?)\s*(?:>=\s*(?P<least>[-+0-9.eE]+)\s*)?")
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """The number that says whether a response is right.

    Attributes
    ----------
    name : str
        A part of the grade, or ``"reward"``.
    least : float
        A response with at least this much is right; on the part's own scale.
    reason : str
        Why it was taken, in one clause.
    guessed : bool
        False where it was named by hand.
    """

    name: str
    least: float
    reason: str
    guessed: bool

    @property
    def words(self) -> str:
        """``"acc >= 0.5"``, which `choose_outcome` reads back."""
        return f"{self.name} >= {self.least:g}"

    def right(self, observed: Observations) -> Floats:
        """Per rollout 1 if right, 0 if not, NaN without a number; shape ``(n_rollouts,)``."""
        value = _number(observed, self.name)
        return np.where(np.isfinite(value), value >= self.least - 10**-DECIMALS, np.nan)


def choose_outcome(observed: Observations, written: str = "") -> Outcome:
    """The outcome that was named, or the best guess.

    Parameters
    ----------
    observed : Observations
    written : str
        The name of a part (``"acc"``), one with a limit (``"acc >= 0.8"``), ``"reward >= 0.9"``, or
        ``""`` for a guess.

    Raises
    ------
    DryRunError
        No part has that name, or the limit is not a number; in one sentence.
    """
    return _named(observed, written) if written.strip() else _guessed(observed)


def outcome_names(observed: Observations) -> tuple[str, ...]:
    """What can be the outcome: the parts in their order, then the reward."""
    return (*(name for name in observed.parts if name != REWARD), REWARD)


def _named(observed: Observations, written: str) -> Outcome:
    match = WRITTEN.fullmatch(written)
    name, least = (match["name"], match["least"]) if match else (written.strip(), None)
    name = written.strip() if written.strip() in observed.parts else name
    if name not in outcome_names(observed):
        raise DryRunError(
            f"The outcome '{name}' is not a part of this run's grades. Name one of: "
            f"{', '.join(outcome_names(observed))}."
        )
    try:
        limit = _limit(_number(observed, name)) if least is None else float(least)
    except ValueError:
        raise DryRunError(
            f"The limit '{least}' of the outcome is not a number: write '{name} >= 0.5'."
        ) from None
    return Outcome(name, limit, "chosen by name", guessed=False)


def _guessed(observed: Observations) -> Outcome:
    graded = {name: value for name, value in observed.parts.items() if np.isfinite(value).any()}
    ranked = [(NAMES.index(word), name) for name in graded for word in _words(name) if word in NAMES]
    if ranked and len(graded) > 1:
        name = min(ranked, key=lambda pair: pair[0])[1]
        return Outcome(name, _limit(graded[name]), "its name says that the answer is right", guessed=True)
    two_valued = [name for name, value in graded.items() if _levels(value).size == 2]
    if len(two_valued) == 1 and len(graded) > 1:
        name = two_valued[0]
        return Outcome(name, _limit(graded[name]), "the only part with two values", guessed=True)
    return Outcome(
        REWARD, _limit(_number(observed, REWARD)), "no part is named after the answer", guessed=True
    )


def _words(name: str) -> set[str]:
    lowered = name.lower()
    return {lowered, *WORD.findall(lowered)}


def _number(observed: Observations, name: str) -> Floats:
    if name in observed.parts:
        return observed.parts[name]
    low, high = observed.reward_range
    return low + observed.score * (high - low)


def _levels(value: Floats) -> Floats:
    return np.unique(np.round(value[np.isfinite(value)], DECIMALS))


def _limit(value: Floats) -> float:
    """The middle between two values; of a graded part the middle of its scale, 0..1 where it fits."""
    levels = _levels(value)
    if levels.size == 2:
        return float(levels.mean())
    low, high = (float(levels[0]), float(levels[-1])) if levels.size else (0.0, 1.0)
    return (min(low, 0.0) + max(high, 1.0)) / 2


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
        None without two prompts that have two responses.
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
    energy = paid_energy(rollouts) if rollouts.groups > 1 else None
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
