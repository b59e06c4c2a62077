"""One thing that a rule saw in probe grades: which flaw, how bad, in how many of how many grades."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from dryrun.analysis.figures.redraw import wilson
from dryrun.analysis.probes.grades import ProbeGrades
from dryrun.core.arrays import Bools, Ints
from dryrun.core.probe import Family

SHOWN = 3
"""Probes that an observation names as its evidence."""


class Flaw(StrEnum):
    """What is wrong with a grader."""

    ACCEPTS_WRONG = "accepts_wrong"
    EXPLOITABLE = "exploitable"
    REJECTS_CORRECT = "rejects_correct"
    NO_SIGNAL = "no_signal"
    INVERTED = "inverted"
    UNSTABLE = "unstable"
    CRASH = "crash"
    CONTRACT = "contract"
    BIAS = "bias"
    SLOW = "slow"
    GUESSABLE = "guessable"
    """A flaw of the rows, not of the grader: one answer to all of them is right most of the time."""
    UNSAFE = "unsafe"


class Weight(StrEnum):
    """How bad a finding is."""

    BLOCK = "block"
    """Training with this grader would teach the wrong thing, or nothing: mend it first."""
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that a rule saw.

    Attributes
    ----------
    flaw : Flaw
    weight : Weight
    family : Family
        Of the probes that showed it.
    kind : str
        Which probe.
    hits, trials : int
        In how many of how many grades.
    earned : float or None
        Mean share of the ceiling over those hit.
    cases : tuple of int
        Some of the probes that showed it, the worst first.
    """

    flaw: Flaw
    weight: Weight
    family: Family
    kind: str
    hits: int = 0
    trials: int = 0
    earned: float | None = None
    cases: tuple[int, ...] = ()

    @property
    def share(self) -> float:
        """Hits by trials."""
        return self.hits / self.trials if self.trials else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share."""
        return wilson(self.share, self.trials)


def counted(
    grades: ProbeGrades,
    flaw: Flaw,
    family: Family,
    kind: str,
    cases: Ints,
    hit: Bools,
) -> Iterator[Observation]:
    """An observation where the hits are more than a stray one; it blocks where they are many."""
    known = np.isfinite(grades.share[cases])
    cases, hit = cases[known], hit[known]
    hits = int(hit.sum())
    if hits < 2 and not (hits == 1 and cases.size <= 2):
        return
    low = wilson(hits / cases.size, cases.size)[0]
    if low <= grades.limits.chance:
        return
    often = hits >= grades.limits.few_hits and hits / cases.size >= grades.limits.many
    weight = Weight.BLOCK if often else Weight.WARN
    yield seen(grades, flaw, weight, family, kind, cases, hit)


def seen(
    grades: ProbeGrades, flaw: Flaw, weight: Weight, family: Family, kind: str, cases: Ints, hit: Bools
) -> Observation:
    shares = grades.share[cases][hit]
    known = shares[np.isfinite(shares)]
    return Observation(
        flaw,
        weight,
        family,
        str(kind),
        int(hit.sum()),
        int(cases.size),
        float(known.mean()) if known.size else None,
        tuple(int(case) for case in cases[hit][:SHOWN]),
    )
