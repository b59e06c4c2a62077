"""What probe grades say about a grader: findings, a profile in one word, what each behaviour earns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from dryrun.analysis.figures.redraw import Z95
from dryrun.analysis.probes import conduct, pay
from dryrun.analysis.probes.flaws import Flaw, Observation, Weight
from dryrun.analysis.probes.grades import ProbeGrades, unseen
from dryrun.core.probe import Family
from dryrun.core.thresholds import ProbeLimits

BEHAVIOURS = (
    Family.REFERENCE,
    Family.NOTHING,
    Family.SHELL,
    Family.GAMING,
    Family.WRONG,
    Family.CLAIM,
)
"""Families on the scoreboard."""


ESSENTIAL = 3
"""Kinds of worthless answers that must have been tried: empty, refusal and filler are the first."""
FAILS_FROM = 0.9
"""A larger share of grades with an error says more than what the few others earned."""
Rule = Callable[[ProbeGrades], Iterator[Observation]]
RULES: tuple[Rule, ...] = (
    conduct.no_faults,
    conduct.runs_nothing,
    pay.signal,
    pay.mixed_up,
    pay.another_scale,
    pay.right_paid,
    pay.unpaid,
    pay.wrong_unpaid,
    pay.fields_cost,
    pay.claims_unpaid,
    pay.samples_fair,
    pay.one_for_all,
    conduct.unimpressed,
    conduct.steady,
    conduct.quick,
)


class Profile(StrEnum):
    """The grader in one word."""

    SOUND = "sound"
    TOO_LENIENT = "too lenient"
    TOO_STRICT = "too strict"
    NO_SIGNAL = "no signal"
    HACKABLE = "hackable"
    UNSTABLE = "unstable"
    """Its number cannot be relied on: it moves, is missing, off the scale, or takes too long."""
    INVERTED = "inverted"
    UNSAFE = "unsafe"
    FAILS = "fails"
    """Grading raises errors."""
    UNKNOWN = "unknown"
    """Too little could be graded to say anything."""


PROFILES: Sequence[tuple[Flaw, Profile]] = (
    (Flaw.UNSAFE, Profile.UNSAFE),
    (Flaw.INVERTED, Profile.INVERTED),
    (Flaw.NO_SIGNAL, Profile.NO_SIGNAL),
    (Flaw.UNSTABLE, Profile.UNSTABLE),
    (Flaw.CONTRACT, Profile.UNSTABLE),
    (Flaw.SLOW, Profile.UNSTABLE),
    (Flaw.EXPLOITABLE, Profile.HACKABLE),
    (Flaw.BIAS, Profile.HACKABLE),
    (Flaw.ACCEPTS_WRONG, Profile.TOO_LENIENT),
    (Flaw.REJECTS_CORRECT, Profile.TOO_STRICT),
    (Flaw.CRASH, Profile.FAILS),
    (Flaw.GUESSABLE, Profile.HACKABLE),
)
"""The word is that of the first flaw that blocks: what makes the later ones meaningless comes first."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one way to answer earns.

    Attributes
    ----------
    family : Family
    kind : str
    mean : float
        On 0..1 by the grader's scale.
    low, high : float
        95 % interval of the mean, by the normal approximation, within 0..1.
    count : int
        Grades.
    """

    family: Family
    kind: str
    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What the probes say.

    Attributes
    ----------
    profile : Profile
    observations : tuple of Observation
        What gives the profile first, then what blocks, by flaw in the order of `PROFILES`.
    behaviours : tuple of Behaviour
    ceiling : float or None
        What right answers earn, in the form the grader likes best.
    base : float or None
        What the base model's own responses earn.
    partial : bool
        Whether the grader pays answers for being partly right.
    unseen : float
        The largest share of rows on which a hole may still be paid where none was seen (rule of three).
    graded : int
        The number of grades.
    form_unknown : bool
        Right answers could not be written so that the grader pays them.
    """

    profile: Profile
    observations: tuple[Observation, ...]
    behaviours: tuple[Behaviour, ...]
    ceiling: float | None
    base: float | None
    partial: bool
    unseen: float
    graded: int
    form_unknown: bool = False

    @property
    def sound(self) -> bool:
        """Whether nothing blocks."""
        return self.profile is Profile.SOUND


def judge(grades: ProbeGrades, limits: ProbeLimits | None = None, base: float | None = None) -> Judged:
    """Apply every rule.

    Parameters
    ----------
    grades : ProbeGrades
    limits : ProbeLimits, optional
    base : float, optional
        Mean score of the base model's responses on 0..1. Default: that of the `Family.SAMPLE` probes.
    """
    limits = limits or ProbeLimits()
    grades = replace(grades, limits=limits)
    seen = tuple(sorted((seen for rule in RULES for seen in rule(grades)), key=_order))
    own = grades.score[grades.where(Family.SAMPLE)]
    unknown = pay.form_unknown(grades)
    if base is None and own.size:
        base = float(own.mean())
    return Judged(
        profile=_profile(seen, _fewest(grades) >= limits.few_rows and not unknown),
        observations=seen,
        behaviours=tuple(_behaviours(grades)),
        ceiling=grades.ceiling,
        base=base,
        partial=grades.partial,
        unseen=unseen(_fewest(grades)),
        graded=int(grades.graded.sum()),
        form_unknown=unknown,
    )


def _order(observation: Observation) -> tuple[bool, int, int, float]:
    weight, flaw = list(Weight).index(observation.weight), [flaw for flaw, _ in PROFILES]
    return not _fails(observation), weight, flaw.index(observation.flaw), -observation.share


def _fails(observation: Observation) -> bool:
    return observation.flaw is Flaw.CRASH and observation.share > FAILS_FROM


def _profile(seen: Sequence[Observation], enough: bool) -> Profile:
    blocking = {observation.flaw for observation in seen if observation.weight is Weight.BLOCK}
    if any(map(_fails, seen)):
        return Profile.FAILS
    for flaw, profile in PROFILES:
        if flaw in blocking:
            return profile
    return Profile.SOUND if enough else Profile.UNKNOWN


def _fewest(grades: ProbeGrades) -> int:
    """Rows that the usual exploit was tried on; where time was short, the essential ones."""
    counts = sorted((cases.size for _, cases in grades.kinds(Family.NOTHING)), reverse=True)
    return counts[min(ESSENTIAL, len(counts)) - 1] if counts else 0


def _behaviours(grades: ProbeGrades) -> list[Behaviour]:
    behaviours = []
    for family in BEHAVIOURS:
        for kind, cases in grades.kinds(family):
            scores = grades.score[cases]
            mean = float(scores.mean())
            half = Z95 * float(scores.std(ddof=1)) / float(np.sqrt(scores.size)) if scores.size > 1 else 0.0
            behaviours.append(
                Behaviour(family, kind, mean, max(mean - half, 0.0), min(mean + half, 1.0), scores.size)
            )
    return behaviours
