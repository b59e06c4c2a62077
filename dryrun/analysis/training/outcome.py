"""Which number of a grade says that a response is right."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.observations import Observations
from dryrun.core.errors import DryRunError

REWARD = "reward"
NAMES = (
    *("outcome", "acc", "accuracy", "correct", "correctness", "is_correct", "exact_match", "exact"),
    *("em", "success", "solved", "passed", "pass", "right", "ok", "answer", "result"),
)
"""What the part that pays for a right answer is called, the surest name first."""
WORD = re.compile(r"[a-z0-9]+")
WRITTEN = re.compile(r"\s*(?P<name>.*?)\s*(?:>=\s*(?P<least>[-+0-9.eE]+)\s*)?")
DECIMALS = 6

Floats = NDArray[np.float64]


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
