"""A reward and the policy that it meets."""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulators.graders import Make
from tests.simulators.policy import Setting

EASE = {"hard": -2.6, "middling": 0.0, "easy": 2.6}
DIFFICULT = tuple(EASE)
USUAL = Setting()


@dataclass(frozen=True, slots=True)
class Case:
    """A reward, and what it changes of the policy.

    Attributes
    ----------
    make : callable
        Builds the grader.
    setting : Setting
    difficulty : tuple of str
        Names in `EASE`.
    judged : bool
        A model grades: nothing but the scores and their groups is known.
    """

    make: Make
    setting: Setting = USUAL
    difficulty: tuple[str, ...] = DIFFICULT
    judged: bool = False
