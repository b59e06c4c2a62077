"""Probe grades as columns, and what every rule needs of them: ceilings, shares, intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.probe import Family, Probe, ProbeFault
from dryrun.core.thresholds import ProbeLimits


@dataclass(frozen=True)
class ProbeGrades:
    """What the probes earned.

    Attributes
    ----------
    probes : sequence of Probe
        In any order; `Probe.base` counts in this sequence.
    score : float64 array of shape (n,)
        On 0..1 by the grader's scale; NaN where there is no grade.
    fault : sequence of Fault
    seconds : float64 array of shape (n,)
        What each grade took; only of serial probes is it more than a hint.
    out_of_scale : bool array of shape (n,)
        The grade lies outside the grader's declared scale.
    judged : bool
        A model is the judge: its grades may move, and take their time.
    limits : ProbeLimits
    """

    probes: Sequence[Probe]
    score: Floats
    fault: Sequence[ProbeFault]
    seconds: Floats
    out_of_scale: Bools
    judged: bool = False
    limits: ProbeLimits = field(default_factory=ProbeLimits)

    @cached_property
    def family(self) -> NDArray[np.str_]:
        """Each probe's family."""
        return np.array([probe.family.value for probe in self.probes], dtype=np.str_)

    @cached_property
    def kind(self) -> NDArray[np.str_]:
        """Each probe's kind."""
        return np.array([probe.kind for probe in self.probes], dtype=np.str_)

    @cached_property
    def row(self) -> Ints:
        """Each probe's row."""
        return np.array([probe.row for probe in self.probes], dtype=np.int64)

    @cached_property
    def base(self) -> Ints:
        """What each probe is a form of; -1: nothing."""
        return np.array([probe.base for probe in self.probes], dtype=np.int64)

    @cached_property
    def least(self) -> Floats:
        """The least a sound grader pays, as a share of the ceiling."""
        return np.array([probe.least for probe in self.probes])

    @cached_property
    def most(self) -> Floats:
        """The most a sound grader pays, likewise."""
        return np.array([probe.most for probe in self.probes])

    @cached_property
    def alike(self) -> Floats:
        """How much each answer resembles the right one."""
        return np.array([probe.alike for probe in self.probes])

    @cached_property
    def graded(self) -> Bools:
        """Which probes have a grade."""
        return np.isfinite(self.score)

    def where(self, *families: Family, kind: str | None = None) -> Bools:
        """Probes with a grade of these families, and of one kind where it is given."""
        chosen = np.isin(self.family, [family.value for family in families]) & self.graded
        return chosen if kind is None else chosen & (self.kind == kind)

    def kinds(self, *families: Family) -> Iterator[tuple[str, Ints]]:
        """Each kind in these families with the indices of its grades, in order of first appearance."""
        chosen = np.flatnonzero(self.where(*families))
        for name in dict.fromkeys(self.kind[chosen].tolist()):
            yield name, chosen[self.kind[chosen] == name]

    @cached_property
    def ceilings(self) -> Floats:
        """For each row the most that its right answer earned in any form; NaN without one."""
        rows = int(self.row.max()) + 1 if self.row.size else 0
        best = np.full(rows, np.nan)
        chosen = self.where(Family.REFERENCE)
        np.fmax.at(best, self.row[chosen], self.score[chosen])
        return best

    @cached_property
    def ceiling(self) -> float | None:
        """The mean over rows; None without reference answers."""
        known = self.ceilings[np.isfinite(self.ceilings)]
        return float(known.mean()) if known.size else None

    @cached_property
    def anchored(self) -> bool:
        """Whether right answers earn enough to measure others by: on average, or wholly in some rows."""
        if self.ceiling is None:
            return False
        known = self.ceilings[np.isfinite(self.ceilings)]
        paid = int((known >= self.limits.whole).sum())
        some = paid >= max(self.limits.few_hits, self.limits.partial_rows * known.size)
        return self.ceiling >= self.limits.least_range or some

    @cached_property
    def share(self) -> Floats:
        """Each score as a share of what the row's right answer earns.

        Without reference answers, or where they earn next to nothing, the score itself. NaN in rows whose
        right answer is refused while those of others are paid.
        """
        if not self.anchored:
            return self.score
        rows = self.ceilings[self.row]
        unknown = ~np.isfinite(rows)
        whole = np.where(unknown, 1.0, np.where(rows >= self.limits.least_range, rows, np.nan))
        return np.asarray(self.score / whole, dtype=np.float64)

    @cached_property
    def partial(self) -> bool:
        """Whether the grader pays answers for being partly right or nearly right."""
        if not self.anchored:
            return False
        partly = (self.share > self.limits.partly_from) & (self.share < self.limits.partly_to)
        wrong = self.where(Family.WRONG)
        kinds = self.kinds(Family.WRONG, Family.CLOSE)
        return bool(wrong.any() and partly[wrong].mean() >= self.limits.partial_rows) or any(
            partly[cases].sum() > 2 and partly[cases].mean() >= self.limits.partial_kind for _, cases in kinds
        )


def unseen(trials: int) -> float:
    """The largest share that `trials` without a hit still allow, at 95 %: the rule of three.

    Hanley and Lippman-Hand (1983): 3/n, here at most 1.
    """
    return min(1.0, 3.0 / trials) if trials else 1.0
