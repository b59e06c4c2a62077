"""Grade the probes: two rounds, then some of them again; within a limit of time and of calls."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dryrun.analysis.figures.coverage import as_pay, with_penalties
from dryrun.analysis.probes.grades import ProbeGrades
from dryrun.core.arrays import Floats
from dryrun.core.errors import DryRunError
from dryrun.core.probe import Family, Priority, Probe, ProbeFault
from dryrun.core.records import Grade, GradeOutcome, Item, Prompt
from dryrun.core.thresholds import ProbeLimits, Thresholds
from dryrun.graders import Grader
from dryrun.graders.protocol import GradeError, ungraded
from dryrun.graders.trial import response
from dryrun.probes import Ground, accepted_forms, first_round, second_round, strangers

AT_ONCE = 32
ROWS = 30
"""Rows probed by default: none of thirty still allows a tenth (rule of three)."""
AGAIN, REPEATED = 60, 0.1
"""Grades repeated at the end in another order: the largest number, and the share of all grades."""
PILOT = 3
"""Grades of usual answers that are timed one by one."""
FIRST_ROUND = 0.4
"""Share of the time that the first round may take."""
MAX_UNFINISHED = 2
"""The number of texts not finished in time that is enough to know."""
MAX_RETAKEN = 3
"""Grades that ran into their limit and are tried once more."""
SUSPICIOUS, REMEASURED = 0.2, 2
"""A timed grade that took this number of seconds is repeated, at most this number of times."""
OFF_SCALE = 1e-6
NO_NUMBER = "grade returned"
"""How the error of a grade begins that is no number, from the sandbox and from `FunctionGrader` alike."""
LATER = {Priority.ESSENTIAL: 0, Priority.USUAL: 8, Priority.THOROUGH: 20}
"""Where calls or time are few: essential probes of row 8 come with the usual ones of row 0."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much probing may cost.

    Attributes
    ----------
    calls : int or None
        Grades at most; None: no cap. Matters where each is a paid call.
    seconds : float
        After so long no more grades are begun.
    timeout : float
        What the grader was built with: grades that took as long did not finish.
    """

    calls: int | None = None
    seconds: float = 60.0
    timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Probed:
    """The grades, and what is needed to show them.

    Attributes
    ----------
    prompts : sequence of Prompt
        The rows, as `Probe.row` counts them.
    grades : ProbeGrades
    details : tuple of str
        For each probe what its grade says of an error, or ``""``.
    planned : int
        Probes that were worth grading; more than were graded where a limit came first.
    """

    prompts: Sequence[Prompt]
    grades: ProbeGrades
    details: tuple[str, ...]
    planned: int


def count(ground: Ground, effort: Effort, samples: Mapping[int, Sequence[str]] | None = None) -> int:
    """The number of grades that probing takes at most: known before the first is paid for."""
    forms = first_round(ground)
    rest = second_round(ground, accepted_forms(ground, [0.0] * len(forms)), samples)
    taken = sum(map(len, _within(forms, rest, effort.calls)))
    return taken + _repeats(taken)


async def probe(
    ground: Ground,
    grader: Grader,
    *,
    effort: Effort | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
    declared: bool = True,
    judged: bool = False,
    samples: Mapping[int, Sequence[str]] | None = None,
) -> Probed:
    """Grade the probes of these rows.

    Parameters
    ----------
    ground : Ground
        From `dryrun.probes.ground`.
    grader : Grader
        Open, or one that needs no opening.
    effort : Effort, optional
    bounds : (float, float)
        The grader's scale.
    declared : bool
        Whether somebody said so. If not, penalties widen it.
    judged : bool
        A model is the judge: nothing is timed.
    samples : mapping of int to sequence of str, optional
        Real responses to some rows; graded too.

    Raises
    ------
    ModelError
        A judge that no call will reach.
    """
    effort = effort or Effort()
    asking = _Asking(ground, grader, effort)
    forms = first_round(ground)
    first = list(range(len(forms)))
    if effort.calls is not None:
        draft = second_round(ground, accepted_forms(ground, [0.0] * len(forms)), samples)
        first, _ = _within(forms, draft, effort.calls)
    await asking.ask([replace(forms[number], serial=number < PILOT) for number in first], until=FIRST_ROUND)
    scores = [math.nan] * len(forms)
    for number, score in zip(first, as_pay(asking.rewards(), bounds).tolist(), strict=True):
        scores[number] = score
    rest = second_round(ground, accepted_forms(ground, scores), samples)
    if effort.calls is None and not any(score >= ProbeLimits().least_range for score in scores):
        rest = [*strangers(ground), *rest]
    _, chosen = _within(forms, rest, effort.calls)
    await asking.ask(_rebased(rest, chosen, len(first)))
    await asking.again(_repeats(len(asking.probes)))
    if not declared:
        bounds = with_penalties(bounds, asking.rewards(), Thresholds().max_out_of_range)
    return Probed(
        ground.prompts,
        asking.grades(bounds, declared=declared, judged=judged),
        tuple(asking.details()),
        len(forms) + len(rest),
    )


def _within(forms: Sequence[Probe], rest: Sequence[Probe], calls: int | None) -> tuple[list[int], list[int]]:
    """The probes of both rounds that the calls allow: the essential for many rows before all for a few."""
    both = [(0, number, probe) for number, probe in enumerate(forms)]
    both += [(1, number, probe) for number, probe in enumerate(rest)]
    if calls is not None:
        both.sort(key=lambda entry: (*_urgency(entry[2]), entry[0], entry[1]))
        both = both[: max(int(calls / (1 + REPEATED)), 1)]
    taken = [sorted(number for which, number, _ in both if which == wanted) for wanted in (0, 1)]
    return taken[0], taken[1]


def _urgency(probe: Probe) -> tuple[int, int]:
    """What to grade first where calls or time may not last."""
    return probe.row + LATER[probe.priority], probe.row


def _rebased(plan: Sequence[Probe], chosen: Sequence[int], offset: int) -> list[Probe]:
    """The chosen probes with `base` counted in the whole list, which has `offset` before them."""
    place = {number: offset + at for at, number in enumerate(chosen)}
    return [
        replace(plan[number], base=place.get(plan[number].base, -1))
        if plan[number].base >= 0
        else plan[number]
        for number in chosen
    ]


def _repeats(graded: int) -> int:
    """The number of grades to repeat after this number of grades."""
    return min(AGAIN, math.ceil(REPEATED * graded))


class _Asking:
    """Collects grades until the time is up."""

    def __init__(self, ground: Ground, grader: Grader, effort: Effort) -> None:
        self._ground, self._grader, self._effort = ground, grader, effort
        self._begun = time.monotonic()
        self._unfinished = self._retaken = 0
        self.probes: list[Probe] = []
        self._grades: list[Grade | None] = []

    async def ask(self, probes: Sequence[Probe], until: float = 1.0) -> None:
        """Grade these, as many as begin before `until` of the time allowed is over."""
        end = self._begun + until * self._effort.seconds
        grades: dict[int, Grade | None] = {}
        for number, probe in enumerate(probes):
            if probe.serial:
                grades[number] = await self._timed(probe, end)
        together = [number for number in range(len(probes)) if number not in grades]
        together.sort(key=lambda number: _urgency(probes[number]))
        waiting = iter(together)

        async def lane() -> None:
            for number in waiting:
                grades[number] = await self._grade_one(probes[number], end)

        await asyncio.gather(*(lane() for _ in range(AT_ONCE)))
        self.probes += probes
        self._grades += [grades[number] for number in range(len(probes))]

    async def again(self, times: int) -> None:
        """Grade some that were graded, in another order: half of them right answers."""
        chance = random.Random(self._ground.seed)
        known = [
            number
            for number, (probe, grade) in enumerate(zip(self.probes, self._grades, strict=True))
            if grade is not None and grade.reward is not None and probe.family is not Family.STRESS
        ]
        right = [number for number in known if self.probes[number].family is Family.REFERENCE]
        chosen = chance.sample(right, min(len(right), times // 2))
        chosen += chance.sample(known, min(len(known), times - len(chosen)))
        twice = [replace(self.probes[number], family=Family.AGAIN, base=number) for number in chosen]
        await self.ask(twice)

    async def _timed(self, probe: Probe, end: float) -> Grade | None:
        """A grade made alone; a slow one again, and the quickest kept: the machine may have been busy."""
        if probe.family is Family.STRESS and self._unfinished >= MAX_UNFINISHED:
            return None
        grade = await self._grade_one(probe, end)
        for _ in range(REMEASURED):
            if grade is None or grade.seconds < SUSPICIOUS:
                break
            second = await self._grade_one(probe, end)
            grade = second if second is not None and second.seconds < grade.seconds else grade
        if grade is not None and _fault(grade, self._effort.timeout) is ProbeFault.TOO_SLOW:
            self._unfinished += 1
        return grade

    async def _grade_one(self, probe: Probe, end: float) -> Grade | None:
        if time.monotonic() >= end:
            return None
        item = self._ground.prompts[probe.row].item
        try:
            return await self._graded(probe, item)
        except DryRunError:  # the judge or the sandbox is gone: no other probe would fare better
            raise
        except Exception as error:
            return ungraded(GradeError.OTHER, f"{type(error).__name__}: {error}")

    async def _graded(self, probe: Probe, item: Item) -> Grade:
        """The grade; made again where the time may have gone into what a first call loads."""
        grade = await self._grader.grade(response(probe.text), item)
        if grade.seconds < self._effort.timeout or self._retaken >= MAX_RETAKEN or probe.serial:
            return grade
        self._retaken += 1
        second = await self._grader.grade(response(probe.text), item)
        return min(grade, second, key=lambda candidate: candidate.seconds)

    def rewards(self) -> Floats:
        """As the grader gave them; NaN where there is none."""
        known = [None if grade is None else grade.reward for grade in self._grades]
        return np.array(known, dtype=np.float64)

    def grades(self, bounds: tuple[float, float], *, declared: bool, judged: bool) -> ProbeGrades:
        """All that was graded, as columns."""
        rewards, (low, high) = self.rewards(), bounds
        faults = [_fault(grade, self._effort.timeout) for grade in self._grades]
        seconds = [grade.seconds if grade is not None else math.nan for grade in self._grades]
        room = OFF_SCALE * (high - low)
        lowest = low if declared or low >= 0.0 else low - (high - low)  # penalties add up
        off = (rewards < lowest - room) | (rewards > high + room)
        return ProbeGrades(
            self.probes, as_pay(rewards, bounds), faults, np.array(seconds), np.asarray(off), judged
        )

    def details(self) -> list[str]:
        """What each grade says of an error."""
        return ["; ".join(grade.errors.values()) if grade is not None else "" for grade in self._grades]


def _fault(grade: Grade | None, timeout: float) -> ProbeFault:
    """What went wrong with a grade, if anything did."""
    own = grade is not None and GradeError.PYTHON_RUNTIME.value in grade.errors  # stops TRL's training
    if grade is None or (grade.outcome is GradeOutcome.UNGRADED and not own):
        return ProbeFault.UNGRADED
    if grade.seconds >= timeout:
        return ProbeFault.TOO_SLOW
    raised = grade.errors.get(GradeError.PYTHON_RUNTIME.value) or grade.errors.get(
        GradeError.FORMULA_PARSE.value
    )
    if not raised:
        return ProbeFault.NONE
    return ProbeFault.NO_NUMBER if NO_NUMBER in raised else ProbeFault.RAISED
